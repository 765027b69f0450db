import type { BatchRef, Boundary } from '@sluice/core/batch/batchRef'
import type { SyncDefinition } from '@sluice/core/config/syncDefinition'
import { SluiceError } from '@sluice/core/faults'
import type { RunWarning } from '@sluice/core/run/runReport'
import type { ReadRequest, SourceFacts, WarehouseSource } from '@sluice/core/source/warehouseSource'
import { compareTimestamps, subtractMs } from '@sluice/core/watermark/sourceTimestamp'
import type { ExtractInput, ExtractResult } from '@sluice/workflows/activities'
import type { ClaimAnswer } from '@sluice/workflows/messages'
import { Batcher, type Cut } from './batcher.ts'
import type { BatchSender } from './batchSender.ts'

export interface WarehouseExtract {
  input: ExtractInput
  definition: Pick<SyncDefinition, 'batch' | 'lookbackMs' | 'limits'>
  source: WarehouseSource
  facts: SourceFacts
  claim: ClaimAnswer
  sender: BatchSender
  signal: AbortSignal
}

/** One segment of a table, view or query. */
export async function extractWarehouse(extract: WarehouseExtract): Promise<ExtractResult> {
  const { input, definition, source, facts, claim, sender, signal } = extract
  const clock = new SourceClock(facts.now)
  const aside: BatchRef[] = []
  let rowsLeft = input.rowsMax - claim.rowsOffered
  const batcher = new Batcher({ ...batchMax(), timestampDigits: facts.timestampDigits })

  const request = await readRequest(extract)
  let end: ExtractResult['end'] | undefined
  try {
    for await (const chunk of source.read(request, signal)) {
      end = await sendAll(batcher.push(chunk))
      if (end !== undefined) break
    }
    // All is read: there is nothing left for a next segment, which would read a view that lags behind the clock for ever.
    end ??= (await sendAll(batcher.finish(), 'to the end')) ?? 'exhausted'
  } catch (error) {
    if (!(error instanceof SluiceError && error.code === 'query_timeout')) throw error
    end = (await sendAll(batcher.finishEnded())) ?? 'query_timeout'
  }
  if ((await sender.settle()) === 'stop') end = 'stopped'
  return { end, warnings: end === 'stopped' ? clock.future : [...clock.future, ...(await volatile(clock.latest))] }

  /**
   * A segment that cannot end (one timestamp, or a volatile view) would come to Temporal's limit of 2,000 updates: from three
   * times its length on, its batches grow, to eight times their size.
   */
  function batchMax(): { rowsMax: number; bytesMax: number } {
    const { rows, bytes } = definition.batch
    const growth = 2 ** Math.min(3, Math.floor(sender.batches / (3 * input.batchesMax)))
    return { rowsMax: Math.max(1, Math.min(rows * growth, rowsLeft)), bytesMax: bytes * growth }
  }

  async function sendAll(cuts: Iterable<Cut>, how?: 'to the end'): Promise<ExtractResult['end'] | undefined> {
    for (const cut of cuts) {
      const ended = await send(cut)
      if (ended !== undefined && !(how === 'to the end' && ended === 'segment')) return ended
      Object.assign(batcher, batchMax())
    }
    return undefined
  }

  async function send(cut: Cut): Promise<ExtractResult['end'] | undefined> {
    if (cut.kind === 'release') {
      for (const ref of aside.splice(0)) if ((await sender.offer(ref)) === 'stop') return 'stopped'
      return undefined
    }
    const { batch } = cut
    // §7: the limit is never passed; the run stops at the last boundary before it.
    rowsLeft -= batch.rows
    if (rowsLeft < 0) return 'rows_limit'
    clock.see(batch.firstUpdatedAt)
    clock.see(batch.lastUpdatedAt)
    const ref = await sender.stage(batch)
    if (cut.kind === 'aside') {
      aside.push(ref)
      return undefined
    }
    if ((await sender.offer(ref, batch.boundary)) === 'stop') return 'stopped'
    const { boundary } = batch
    // A view whose UPDATED_AT is the clock's is one segment: the next would find all of it new again, for ever.
    const mayEnd = boundary !== undefined && compareTimestamps(boundary.updatedAt, facts.now) < 0
    return mayEnd && sender.batches >= input.batchesMax ? 'segment' : undefined
  }

  /** §5: rows stood at the source's clock. If none stand there any more, the view makes their UPDATED_AT anew each time. */
  async function volatile(updatedAt: string | undefined): Promise<RunWarning[]> {
    if (updatedAt === undefined || (await source.countAt(updatedAt, signal)) > 0) return []
    return [
      {
        code: 'volatile_updated_at',
        sentence: 'UPDATED_AT is other at every query (as CURRENT_TIMESTAMP is), so every run reads the whole view.',
      },
    ]
  }
}

/** §5: from where the rows are read. */
async function readRequest({ input, definition, source, claim, signal }: WarehouseExtract): Promise<ReadRequest> {
  const opening = input.opening && claim.resumeFrom === undefined
  const request: ReadRequest = { withoutTimestamp: opening, queryTimeoutMs: definition.limits.queryTimeoutMs }
  const from = claim.resumeFrom ?? input.from
  if (from === undefined) return request
  if (opening && definition.lookbackMs > 0)
    return { ...request, from: { updatedAt: subtractMs(from.updatedAt, definition.lookbackMs), inclusive: true } }
  return { ...request, from: { updatedAt: from.updatedAt, inclusive: await tiesChanged(source, from, signal) } }
}

/** A tie at the watermark is read again if the source now holds another number of rows there. */
async function tiesChanged(source: WarehouseSource, at: Boundary, signal: AbortSignal): Promise<boolean> {
  return (await source.countAt(at.updatedAt, signal)) !== at.rowsAtUpdatedAt
}

/** Two clocks and the time that a query takes may differ by so much. */
const futureMs = 60_000

/** Tells rows of the future from rows at the source's own clock. */
class SourceClock {
  readonly #now: string
  readonly #startedMs = performance.now()
  /** The latest timestamp seen that may be the source's clock. */
  latest: string | undefined
  future: RunWarning[] = []

  constructor(now: string) {
    this.#now = now
  }

  see(updatedAt: string | undefined): void {
    if (updatedAt === undefined || compareTimestamps(updatedAt, this.#now) < 0) return
    const elapsedMs = Math.ceil(performance.now() - this.#startedMs)
    if (compareTimestamps(updatedAt, subtractMs(this.#now, -elapsedMs - futureMs)) <= 0) this.latest = updatedAt
    else if (this.future.length === 0)
      this.future.push({
        code: 'future_updated_at',
        sentence: `UPDATED_AT lies in the future (${updatedAt}; the source's clock says ${this.#now}), and the watermark with it: rows written until then are not read. Mend the row at the source; then set a \`lookback\` that reaches from there back to today, or give the sync another name, so that it begins anew (what has not changed costs no write).`,
      })
  }
}
