import { randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { claimSync } from '@sluice/account-store/lease'
import { type FaultCode, reportFault, SluiceError } from '@sluice/core/faults'
import type { RunIdentity } from '@sluice/core/run/runIdentity'
import type { WarehouseSource } from '@sluice/core/source/warehouseSource'
import { compareTimestamps } from '@sluice/core/watermark/sourceTimestamp'
import { apply } from '@sluice/worker/activities/apply'
import { commitWatermark } from '@sluice/worker/activities/commitWatermark'
import { finishRun } from '@sluice/worker/activities/finishRun'
import { schemaFilter } from '@sluice/worker/activities/schemaFilter'
import type { WorkerDependencies } from '@sluice/worker/createActivities'
import { BatchSender } from '@sluice/worker/extract/batchSender'
import { extractWarehouse } from '@sluice/worker/extract/warehouse'
import type { ApplyInput, ExtractInput, ExtractResult } from '@sluice/workflows/activities'
import type { OfferRequest } from '@sluice/workflows/messages'
import { RunState, rereadsMax } from '@sluice/workflows/runState'
import { rawRows } from '../store/storeUnderTest.ts'

const sync = 'crm'

export interface ModelledRow {
  t: string
  id: string
  name: string
  /** A string: a payload that is rejected. */
  kind: { fields: Record<string, unknown> } | { deleted: true } | string
}

export interface RunSettings {
  batchRows: number
  batchBytes: number
  batchesPerSegment: number
  window: number
  /** Rows that the source yields at a time. */
  chunkRows: number
  nowSecond: number
}

/** Whether what happens so many times of a hundred happens now. */
export type Chance = (percent: number) => boolean

interface Model extends RunSettings {
  lookbackMs: number
  chance: Chance
  damage(uri: string): Promise<void>
}

class WorkerCrashed extends Error {}
class RunTerminated extends Error {}

/**
 * The workflow's loop in one process, without Temporal: the real run state, extract, filter threads, stage and store. Between any
 * two steps a worker may crash, so that the step is done again; an answer may be lost; a staged batch may be damaged; the
 * run may be terminated, so that another one takes over. Answers how many were.
 */
export async function runToTheEnd(
  dependencies: WorkerDependencies,
  rows: readonly ModelledRow[],
  model: Model,
): Promise<number> {
  let lost: ModelledRun | undefined
  for (let terminated = 0; ; terminated++) {
    const run: ModelledRun = new ModelledRun(dependencies, rows, model)
    try {
      await run.connect(lost?.identity)
      // §4: what the lost run was about to do bounces off.
      if (lost) await lost.actAsZombie()
      await run.toTheEnd()
      return terminated
    } catch (error) {
      if (!(error instanceof RunTerminated)) throw error
      lost = run
    }
  }
}

class ModelledRun {
  readonly #dependencies: WorkerDependencies
  readonly #rows: readonly ModelledRow[]
  readonly #model: Model
  readonly #runId = randomUUID()
  #state = new RunState({ sync, kind: 'manual' }, new Date().toISOString())
  #inFlight: OfferRequest[] = []
  #lastApply: ApplyInput | undefined
  #damages = 0

  constructor(dependencies: WorkerDependencies, rows: readonly ModelledRow[], model: Model) {
    this.#dependencies = dependencies
    this.#rows = rows
    this.#model = model
  }

  get identity(): RunIdentity {
    return this.#state.claimed!.run
  }

  async connect(takeOverFrom?: RunIdentity): Promise<void> {
    const { store, stage } = this.#dependencies
    const { window, batchesPerSegment } = this.#model
    const request = {
      sync,
      runId: this.#runId,
      executionId: this.#runId,
      workflowId: 'sync/crm/manual',
      kind: 'manual' as const,
    }
    const claim = await this.#again(() =>
      claimSync(store, {
        ...request,
        startedAt: this.#state.startedAt,
        ...(takeOverFrom && { takeOverFrom: takeOverFrom.runId }),
      }),
    )
    if (!claim.claimed) throw new Error(`Held by ${claim.holder.runId}.`)
    await stage.removeOtherRuns(sync, this.#runId)
    this.#state.connected(
      {
        ...claim,
        source: 'warehouse',
        settings: {
          retryForMs: 1,
          queryTimeoutMs: 60_000,
          rowsPerRunMax: 1_000_000,
          onTypeMismatch: 'drop_field',
          window,
          batchesPerSegment,
        },
      },
      { sync, runId: this.#runId },
    )
  }

  async toTheEnd(): Promise<void> {
    for (;;) {
      const end = await this.#segment()
      if (this.#state.fault) throw new Error(`${this.#state.fault.code}: ${this.#state.fault.report.sentence}`)
      if (end === 'exhausted') break
      // Between segments the workflow may continue as new.
      if (this.#model.chance(50))
        this.#state = new RunState(this.#state.input, '', JSON.parse(JSON.stringify(this.#state.carry())))
    }
    await this.#again(() =>
      finishRun(this.#dependencies, {
        run: this.identity,
        status: 'success',
        finishedAt: new Date().toISOString(),
        warnings: [],
      }),
    )
  }

  async actAsZombie(): Promise<void> {
    const refused = async (work: () => Promise<unknown>) => {
      const outcome = await work().catch((error) => error)
      if (!(outcome instanceof SluiceError && outcome.code === 'run_lost')) throw new Error('A zombie was let in.')
    }
    await refused(() =>
      commitWatermark(this.#dependencies, {
        run: this.identity,
        segment: 0,
        lastBatch: -1,
        boundary: { updatedAt: '2027-01-01 00:00:00', rowsAtUpdatedAt: 1 },
        free: [],
        status: 'running',
      }),
    )
    const last = this.#lastApply
    // Its stage is gone, so it does not come as far as the store by itself.
    if (last) await refused(() => apply({ ...this.#dependencies, stage: noChanges(this.#dependencies.stage) }, last))
  }

  async #segment(): Promise<ExtractResult['end']> {
    const state = this.#state
    const request = state.beginSegment()
    const end = await this.#extract(request)
    while (this.#inFlight.length > 0) await this.#applyNext()
    await this.#commit()
    return state.endSegment() ? 'stopped' : end
  }

  /** Attempts until one comes to the segment's end. */
  async #extract(input: ExtractInput): Promise<ExtractResult['end']> {
    const { stage } = this.#dependencies
    const state = this.#state
    for (let attempt = 1; ; attempt++) {
      this.#step()
      const refusal = state.refusal({ segment: input.segment, attempt }, 'claim')
      if (refusal !== undefined) throw new Error(refusal)
      state.claim({ segment: input.segment, attempt })
      while (this.#inFlight.length > 0) await this.#applyNext()
      const claim = state.place()
      if (claim.stop) return 'stopped'
      const source = this.#source()
      const now = `2026-01-01 00:00:${this.#model.nowSecond}.000000`
      const offer = this.#offerOf(input.segment, attempt)
      const sender = new BatchSender({
        stage,
        keyPrefix: `${sync}/${this.#runId}/s${input.segment}-a${attempt}`,
        place: { claim: async () => claim, offer },
        firstBatch: claim.nextBatch,
        header: { kind: 'raw', order: 'timestamp', timestampDigits: 6, volatileFrom: now },
        cancelled: new Promise(() => {}),
      })
      try {
        const { end } = await extractWarehouse({
          input,
          definition: {
            batch: { rows: this.#model.batchRows, bytes: this.#model.batchBytes },
            lookbackMs: this.#model.lookbackMs,
            limits: { rowsPerRun: 1_000_000, queryTimeoutMs: 60_000, retryForMs: 1 },
          },
          source,
          facts: { object: 'table', columns: [], timestampDigits: 6, now },
          claim,
          sender,
          signal: new AbortController().signal,
        })
        if (this.#model.chance(3)) throw new WorkerCrashed()
        return end
      } catch (error) {
        if (!(error instanceof WorkerCrashed)) throw error
      }
    }
  }

  #offerOf(segment: number, attempt: number) {
    return async (batch: Pick<OfferRequest, 'batch' | 'ref' | 'boundary'>): Promise<'continue' | 'stop'> => {
      const state = this.#state
      // Staged, but not offered.
      if (this.#model.chance(4)) throw new WorkerCrashed()
      await setImmediate()
      const request: OfferRequest = { segment, attempt, ...batch }
      const refusal = state.refusal(request, 'offer')
      if (refusal !== undefined) throw new Error(refusal)
      if (!state.take(request)) return 'stop'
      this.#inFlight.push(request)
      while (!(state.windowOpen || state.stopping) || (this.#inFlight.length > 0 && this.#model.chance(30)))
        await this.#applyNext()
      // Offered, but the answer is lost.
      if (this.#model.chance(4)) throw new WorkerCrashed()
      return state.stopping ? 'stop' : 'continue'
    }
  }

  async #applyNext(): Promise<void> {
    const state = this.#state
    const batch = this.#inFlight.shift()!
    try {
      if (!state.applying) return
      this.#step()
      const place = { run: this.identity, segment: batch.segment, batch: batch.batch, schema: state.schema }
      await this.#damage(batch.ref.uri)
      const { changes } = await this.#again(() =>
        schemaFilter(this.#dependencies, { ...place, raw: batch.ref, onTypeMismatch: 'drop_field' }),
      )
      this.#step()
      await this.#damage(changes.uri)
      this.#lastApply = { ...place, changes }
      const answer = await this.#again(() => apply(this.#dependencies, { ...place, changes }))
      if (!answer.applied) throw new Error('The schema did not change.')
      state.applied(batch, changes, answer)
      if (state.commitDue) await this.#commit()
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error
      const fault = { code: error.code as FaultCode, report: reportFault(error) }
      if (error.code === 'stage_corrupt') state.damaged(fault)
      else state.fail(fault)
    } finally {
      state.left()
    }
  }

  async #commit(): Promise<void> {
    this.#step()
    const request = this.#state.commit('running')
    if (request === undefined) return
    const { watermark } = await this.#again(() => commitWatermark(this.#dependencies, request))
    this.#state.committed(request, watermark)
  }

  async #damage(uri: string): Promise<void> {
    if (this.#damages === rereadsMax || !this.#model.chance(6)) return
    this.#damages++
    await this.#model.damage(uri)
  }

  /** Done once more if the worker crashes before its answer is heard. */
  async #again<T>(work: () => Promise<T>): Promise<T> {
    const answer = await work()
    return this.#model.chance(5) ? await work() : answer
  }

  #step(): void {
    if (this.#model.chance(1)) throw new RunTerminated()
  }

  #source(): WarehouseSource {
    const { chunkRows } = this.#model
    const rows = [...this.#rows].sort((x, y) => (x.t < y.t ? -1 : x.t > y.t ? 1 : 0))
    return {
      check: () => {
        throw new Error('Nobody checks.')
      },
      describe: () => Promise.reject(new Error('Nobody asks.')),
      countAt: async (updatedAt) => rows.filter(({ t }) => compareTimestamps(t, updatedAt) === 0).length,
      async *read({ from }) {
        const wanted = rows.filter(({ t }) => {
          const order = from === undefined ? 1 : compareTimestamps(t, from.updatedAt)
          return order > 0 || (order === 0 && from?.inclusive)
        })
        for (let at = 0; at < wanted.length; at += chunkRows)
          yield rawRows(wanted.slice(at, at + chunkRows).map(({ t, id, name, kind }) => raw({ t, id, name, kind })))
      },
      close: async () => {},
    }
  }
}

function raw({ kind, ...row }: ModelledRow): { t: string; id: string; name: string; payload: string; deleted: string } {
  if (typeof kind === 'string') return { ...row, payload: kind, deleted: 'f' }
  return 'deleted' in kind
    ? { ...row, payload: '', deleted: 't' }
    : { ...row, payload: JSON.stringify(kind.fields), deleted: 'f' }
}

/** Reads any staged batch as one of no rows. */
function noChanges(stage: WorkerDependencies['stage']): WorkerDependencies['stage'] {
  return {
    ...stage,
    read: async () => ({
      header: {
        kind: 'changes',
        sections: { plain: 0, changes: 0, rejected: 0 },
        report: {
          rowsRead: 0,
          rowsChanges: 0,
          rowsRejected: 0,
          stepsMax: 1,
          rejected: {},
          droppedFields: {},
          typeMismatches: {},
          unstorableValues: {},
        },
      },
      sections: [new Uint8Array(), new Uint8Array(), new Uint8Array()],
    }),
  }
}
