import type { BatchRef } from '@sluice/core/batch/batchRef'
import { faults } from '@sluice/core/faults'
import type { RunKind, RunStatus } from '@sluice/core/run/runReport'
import {
  ActivityCancellationType,
  ActivityFailure,
  type ActivityOptions,
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setDefaultSignalHandler,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { CommitWatermarkInput, ExtractResult, FinishRunResult, SyncRunActivities } from './activities.ts'
import { faultOf, reportOf } from './faultOf.ts'
import { grouped } from './grouped.ts'
import { claim, type OfferRequest, offer, pause, progress, resume } from './messages.ts'
import { searchAttributes } from './names.ts'
import { runDetails } from './runDetails.ts'
import { type CarriedState, RunState } from './runState.ts'
import type { SyncRunInput, SyncRunResult } from './syncRunInput.ts'

/** Until `connect` has told how long this sync wants its faults retried: the default of `limits.retry_for`. */
const retryForMsUnconnected = 6 * 3600 * 1000
/** A segment of the default size takes about 3,500 events; Temporal suggests to continue as new at 4,096. */
const historyEventsMax = 2000

/**
 * One run of one sync (design §4). Ends Completed when it reached its end (success, partial) or found another run at
 * work; Canceled when it was cancelled; Failed, with the fault's code as type, whenever the run's report has an `error`.
 */
export async function syncRun(started: SyncRunInput, carried?: CarriedState): Promise<SyncRunResult> {
  const input = parseInput(started)
  const info = workflowInfo()
  const state = new RunState(input, info.startTime.toISOString(), carried)
  let extractScope: CancellationScope | undefined
  let tail: Promise<void> = Promise.resolve()

  const show = () => setCurrentDetails(runDetails(state))
  const stopExtract = () => {
    if (state.stopping) extractScope?.cancel()
    show()
  }

  const onPause = (signal: unknown) => {
    state.pause(signal, new Date().toISOString())
    stopExtract()
  }
  const onResume = () => {
    state.resume()
    show()
  }
  // Signals that came before the first task wait for a handler of their name; one handler for all of them keeps their order.
  setDefaultSignalHandler((name, signal) => {
    if (name === pause.name) onPause(signal)
    if (name === resume.name) onResume()
  })
  setDefaultSignalHandler(undefined)
  setHandler(pause, onPause, {
    description: 'Stops at the next batch, commits what is applied, and waits. Input: {"reason": "…", "by": "…"}',
  })
  setHandler(resume, onResume, {
    description: 'Goes on from the watermark under the account schema then in force. Input: {"by": "…"}',
  })
  setHandler(progress, () => state.progress(), {
    description: 'Phase, batches, rows, watermark, and why the run waits',
  })
  setHandler(
    claim,
    (request) =>
      CancellationScope.nonCancellable(async () => {
        state.claim(request)
        await condition(() => state.idle || state.stopping)
        return state.place()
      }),
    {
      description: 'For the extract activity only: takes the place of earlier attempts',
      validator: (request) => refuse(request, 'claim'),
    },
  )
  setHandler(
    offer,
    (request) =>
      CancellationScope.nonCancellable(async () => {
        if (!state.take(request)) return 'stop'
        // Filters run side by side; batches are applied one after the other, in their order.
        const summary = `batch ${grouped(state.batchesExtracted)} · ${grouped(request.ref.rows)} rows`
        const filtered = filter(request, summary)
        filtered.catch(() => {})
        tail = tail.then(() => applyInTurn(request, filtered, summary)).finally(() => state.left())
        show()
        await condition(() => state.windowOpen || state.stopping)
        return state.stopping ? 'stop' : 'continue'
      }),
    {
      description: 'For the extract activity only: one staged batch',
      validator: (request) => refuse(request, 'offer'),
    },
  )

  void CancellationScope.current().cancelRequested.catch(() => {
    state.cancel()
    stopExtract()
  })

  let skipped: SyncRunResult | undefined
  let limit: 'rows_limit' | 'query_timeout' | undefined
  try {
    skipped = await go()
  } catch (error) {
    // Continue-as-new is thrown, too.
    if (!(isCancellation(error) || error instanceof ActivityFailure)) throw error
    if (!state.cancelled) state.fail(faultOf(error))
  }
  state.on('ended')
  if (limit) state.fail({ code: limit, report: reportOf(limit) })
  if (skipped) {
    state.on('finished')
    show()
    return skipped
  }
  return await CancellationScope.nonCancellable(end)

  /** Runs segments until the end. Answers only when the sync is not this run's. */
  async function go(): Promise<SyncRunResult | undefined> {
    for (;;) {
      show()
      if (state.phase === 'connecting' || state.claimed === undefined) {
        const holder = await connect()
        if (holder !== undefined) return { outcome: 'skipped', reason: 'another job is in progress', holder }
      }
      if (state.cancelled) return undefined
      if (state.phase === 'running') {
        const result = await runSegment()
        if (state.fault || state.cancelled) return undefined
        if (result === 'exhausted') return undefined
        if (result === 'rows_limit' || result === 'query_timeout') {
          limit = result
          return undefined
        }
        await continueIfLong(result)
      }
      if (state.phase === 'pausing') {
        await CancellationScope.nonCancellable(() => commit('paused'))
        if (state.on('stoodStill')) sayStatus('paused')
      }
      if (state.phase === 'paused') {
        show()
        await condition(() => state.phase !== 'paused')
      }
    }
  }

  async function connect(): Promise<string | undefined> {
    const run = { sync: input.sync, runId: info.firstExecutionRunId }
    const answer = await perform('claim the sync').connect({
      ...run,
      executionId: info.runId,
      kind: input.kind,
      workflowId: info.workflowId,
      startedAt: state.startedAt,
    })
    if (!answer.claimed) return answer.holder
    state.connected(answer, run)
    if (state.phase === 'running') sayStatus('running')
    return undefined
  }

  /** Extracts one segment while its batches are filtered and applied; all that was taken is applied and committed at its end. */
  async function runSegment(): Promise<ExtractResult['end']> {
    const request = state.beginSegment()
    const scope = new CancellationScope()
    extractScope = scope
    let end: ExtractResult['end'] = 'stopped'
    try {
      const result = await scope.run(() => perform(`segment ${state.segment + 1}`, 'stream').extract(request))
      state.warn(result.warnings)
      end = result.end
    } catch (error) {
      // Told to stop, it may also end by a fault of time, such as the query that it broke off.
      const fault = faultOf(error)
      if (!(state.stopping && (isCancellation(error) || faults[fault.code].remedyBy === 'time'))) state.fail(fault)
    } finally {
      extractScope = undefined
    }
    return await CancellationScope.nonCancellable(async () => {
      await condition(() => state.idle)
      await tail
      await commit('running')
      return state.endSegment() ? 'stopped' : end
    })
  }

  async function filter(batch: OfferRequest, summary: string): Promise<{ changes: BatchRef; schema: number }> {
    const { run, settings } = state.claimed!
    const schema = state.schema
    const { changes } = await perform(summary).schemaFilter({
      run,
      segment: batch.segment,
      batch: batch.batch,
      raw: batch.ref,
      schema,
      onTypeMismatch: settings.onTypeMismatch,
    })
    return { changes, schema }
  }

  /** Never rejects: what goes wrong becomes the run's fault, and later batches are left alone. */
  async function applyInTurn(
    batch: OfferRequest,
    filtering: Promise<{ changes: BatchRef; schema: number }>,
    summary: string,
  ): Promise<void> {
    try {
      let filtered = await filtering
      while (state.applying) {
        // A newer schema came into force: this batch and those after it are filtered again under it.
        if (filtered.schema !== state.schema) filtered = await filter(batch, summary)
        const { run } = state.claimed!
        const { changes, schema } = filtered
        const answer = await perform(summary).apply({
          run,
          segment: batch.segment,
          batch: batch.batch,
          changes,
          schema,
        })
        if (answer.applied) {
          state.applied(batch, changes, answer)
          break
        }
        state.schema = answer.schema
        upsertSearchAttributes([{ key: searchAttributes.schemaVersion, value: state.schema }])
      }
      if (state.applying && state.tooManyRejected('after a batch')) failTooManyRejected()
      if (state.applying && state.commitDue) await commit('running')
    } catch (error) {
      const fault = faultOf(error)
      if (fault.code === 'stage_corrupt') state.damaged(fault)
      else state.fail(fault)
    }
    stopExtract()
  }

  function failTooManyRejected(): void {
    state.fail({ code: 'too_many_rejected', report: reportOf('too_many_rejected') })
  }

  async function commit(status: 'running' | 'paused'): Promise<void> {
    if (state.fault === undefined && state.tooManyRejected('before a commit')) failTooManyRejected()
    // §2: past the stop threshold the watermark stays at the last commit.
    if (state.fault?.code === 'too_many_rejected' || state.fault?.code === 'run_lost') return
    const request: CommitWatermarkInput | undefined = state.commit(status)
    if (request === undefined) return
    const { watermark } = await perform(
      request.boundary ? `up to ${request.boundary.updatedAt}` : status,
    ).commitWatermark(request)
    state.committed(request, watermark)
    show()
  }

  /** Between segments the history starts afresh; a pause or a cancellation that came meanwhile is dealt with first. */
  async function continueIfLong(result: ExtractResult['end']): Promise<void> {
    if (result !== 'segment' && workflowInfo().historyLength < historyEventsMax) return
    await condition(allHandlersFinished)
    if (state.phase === 'running' && !state.cancelled) await continueAsNew<typeof syncRun>(input, state.carry())
  }

  async function end(): Promise<SyncRunResult> {
    const { fault } = state
    let finished: FinishRunResult | undefined
    const status = fault ? faults[fault.code].status : state.cancelled ? 'cancelled' : 'success'
    if (state.claimed !== undefined && fault?.code !== 'run_lost') {
      show()
      finished = await perform(status).finishRun({
        run: state.claimed.run,
        status,
        finishedAt: new Date().toISOString(),
        warnings: state.warnings,
        ...(fault && { error: fault.report }),
      })
    }
    state.on('finished')
    sayStatus(finished?.status ?? status)
    show()
    await condition(allHandlersFinished)
    if (fault) {
      const { sentence, remedy } = fault.report
      throw ApplicationFailure.create({
        message: `${sentence} ${remedy}`,
        type: fault.code,
        nonRetryable: true,
        details: [fault.report],
      })
    }
    if (state.cancelled) throw new CancelledFailure('The run was cancelled; what it committed stands.')
    return {
      outcome: 'finished',
      runId: info.firstExecutionRunId,
      status: finished!.status,
      rowsRead: finished!.rowsRead,
      rowsRejected: finished!.rowsRejected,
    }
  }

  function refuse(request: unknown, kind: 'claim' | 'offer'): void {
    const refusal = state.refusal(request, kind)
    if (refusal !== undefined)
      throw ApplicationFailure.create({ message: refusal, type: 'StaleAttempt', nonRetryable: true })
  }

  /** An event each: only when the phase changes. */
  function sayStatus(status: RunStatus): void {
    upsertSearchAttributes([
      { key: searchAttributes.sync, value: input.sync },
      { key: searchAttributes.status, value: status },
      ...(state.claimed
        ? [
            { key: searchAttributes.source, value: state.claimed.source },
            { key: searchAttributes.schemaVersion, value: state.schema },
          ]
        : []),
    ])
  }

  function perform(summary: string, kind: 'step' | 'stream' = 'step') {
    const settings = state.claimed?.settings
    const retryForMs = settings?.retryForMs ?? retryForMsUnconnected
    const options: ActivityOptions = {
      summary,
      retry: {
        initialInterval: '1s',
        backoffCoefficient: 2,
        maximumInterval: '30s',
        nonRetryableErrorTypes: ['PayloadsTooLarge'],
      },
      heartbeatTimeout: '15s',
      // Nothing may be left running when the run stands still.
      cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
      ...(kind === 'stream'
        ? { scheduleToCloseTimeout: retryForMs + (settings?.queryTimeoutMs ?? 0) }
        : { scheduleToCloseTimeout: retryForMs + 600_000, startToCloseTimeout: '10m' }),
    }
    return proxyActivities<SyncRunActivities>(options)
  }
}

/** A run may be started by hand in the Temporal UI. */
function parseInput(started: unknown): SyncRunInput {
  const { sync, kind = 'manual' } = (started ?? {}) as Partial<SyncRunInput>
  if (typeof sync !== 'string' || !runKinds.includes(kind)) {
    const report = reportOf('config_invalid', 'Start syncRun with the input {"sync": "<name>", "kind": "manual"}.')
    throw ApplicationFailure.create({
      message: report.sentence,
      type: report.code,
      nonRetryable: true,
      details: [report],
    })
  }
  return { sync, kind }
}

const runKinds: readonly RunKind[] = ['scheduled', 'manual', 'backfill', 'retry']
