import { activity } from '@sluice/worker/activity'
import { workflowPlace } from '@sluice/worker/extract/workflowPlace'
import type {
  ApplyInput,
  ApplyResult,
  CommitWatermarkInput,
  ConnectResult,
  ExtractInput,
  ExtractResult,
  FinishRunInput,
  RunSettings,
  SchemaFilterInput,
  SyncRunActivities,
} from '@sluice/workflows/activities'
import { Context } from '@temporalio/activity'
import { pino } from 'pino'

/** One timestamp a batch of 10 rows: batch 0 of the source ends at second 0, the next at second 1 … */
const rowsPerBatch = 10
export const second = (n: number) => `2026-01-01 00:00:${String(n).padStart(2, '0')}.000000`

export interface FakeRun {
  /** Batches that the source holds. */
  batches: number
  settings?: Partial<RunSettings>
  /** Called before the activity does anything; may throw, wait, or answer in its place. */
  on?: {
    connect?(): Promise<ConnectResult | undefined> | ConnectResult | undefined
    /** Before the batch of the source with this number is offered. */
    offer?(batch: number, attempt: number): Promise<void> | void
    filter?(input: SchemaFilterInput): Promise<void> | void
    apply?(input: ApplyInput, attempt: number): Promise<ApplyResult | undefined> | ApplyResult | undefined
    commit?(input: CommitWatermarkInput): Promise<void> | void
    extracted?(): ExtractResult['end'] | undefined
  }
  rejectedPerBatch?: number
  schema?: number
}

/** What the activities were asked, in order. */
export interface FakeLog {
  connects: number
  /** Where each segment's attempts began: the number of the source's first batch. */
  extracts: { segment: number; attempt: number; from: number; opening: boolean; resumed: boolean }[]
  filters: SchemaFilterInput[]
  /** Batches of the source. */
  applied: { segment: number; batch: number; source: number; schema: number }[]
  commits: CommitWatermarkInput[]
  finishes: FinishRunInput[]
}

/** Activities without store, source and stage: the workflow and its messages are the real ones. */
export function fakeActivities(fake: FakeRun): { activities: SyncRunActivities; log: FakeLog } {
  const silent = pino({ level: 'silent' })
  const log: FakeLog = { connects: 0, extracts: [], filters: [], applied: [], commits: [], finishes: [] }
  let watermark: number | undefined
  const boundary = (batch: number) => ({ updatedAt: second(batch), rowsAtUpdatedAt: rowsPerBatch })
  const numberOf = (updatedAt: string) => Number(updatedAt.slice(17, 19))

  const activities: SyncRunActivities = {
    connect: activity(silent, async () => {
      log.connects++
      const answer = await fake.on?.connect?.()
      if (answer) return answer
      return {
        claimed: true,
        token: 1,
        source: 'warehouse',
        schema: fake.schema ?? 1,
        ...(watermark !== undefined && { watermark: boundary(watermark) }),
        settings: {
          retryForMs: 60_000,
          queryTimeoutMs: 60_000,
          rowsPerRunMax: 1e9,
          onTypeMismatch: 'drop_field',
          window: 3,
          batchesPerSegment: 100,
          ...fake.settings,
        },
      }
    }),
    extract: activity(silent, async (input: ExtractInput, { info, client, cancelled }) => {
      const place = workflowPlace({
        client,
        ...info.workflowExecution!,
        activityId: info.activityId,
        segment: input.segment,
        attempt: info.attempt,
      })
      const claim = await Promise.race([place.claim(), cancelled])
      const after = claim.resumeFrom ?? input.from
      const first = after === undefined ? 0 : numberOf(after.updatedAt) + 1
      log.extracts.push({
        segment: input.segment,
        attempt: info.attempt,
        from: first,
        opening: input.opening,
        resumed: claim.resumeFrom !== undefined,
      })
      const end = (end: ExtractResult['end']): ExtractResult => ({ end, warnings: [] })
      if (claim.stop) return end('stopped')
      let batch = claim.nextBatch
      for (let source = first; source < fake.batches; source++) {
        await Promise.race([fake.on?.offer?.(source, info.attempt), cancelled])
        const ref = {
          uri: `stage:${source}`,
          rows: rowsPerBatch,
          bytes: 100,
          sha256: 'f'.repeat(64),
          firstUpdatedAt: second(source),
          lastUpdatedAt: second(source),
        }
        if (
          (await Promise.race([place.offer({ batch: batch++, ref, boundary: boundary(source) }), cancelled])) === 'stop'
        )
          return end('stopped')
        if (batch >= input.batchesMax && source + 1 < fake.batches) return end('segment')
      }
      return end(fake.on?.extracted?.() ?? 'exhausted')
    }),
    schemaFilter: activity(silent, async (input: SchemaFilterInput) => {
      log.filters.push(input)
      await fake.on?.filter?.(input)
      return {
        changes: { ...input.raw, uri: `${input.raw.uri}.v${input.schema}` },
        rejected: fake.rejectedPerBatch ?? 0,
      }
    }),
    apply: activity(silent, async (input: ApplyInput) => {
      const answer = await fake.on?.apply?.(input, Context.current().info.attempt)
      if (answer) return answer
      log.applied.push({
        segment: input.segment,
        batch: input.batch,
        source: Number(/:(\d+)/.exec(input.changes.uri)![1]),
        schema: input.schema,
      })
      return {
        applied: true,
        rowsRead: log.applied.length * rowsPerBatch,
        rowsRejected: log.applied.length * (fake.rejectedPerBatch ?? 0),
      }
    }),
    commitWatermark: activity(silent, async (input: CommitWatermarkInput) => {
      await fake.on?.commit?.(input)
      log.commits.push(input)
      if (input.boundary) watermark = numberOf(input.boundary.updatedAt)
      return watermark === undefined ? {} : { watermark: boundary(watermark) }
    }),
    finishRun: activity(silent, async (input: FinishRunInput) => {
      log.finishes.push(input)
      const rowsRejected = log.applied.length * (fake.rejectedPerBatch ?? 0)
      return {
        status: input.status === 'success' && rowsRejected > 0 ? 'partial' : input.status,
        rowsRead: log.applied.length * rowsPerBatch,
        rowsRejected,
      }
    }),
  }
  return { activities, log }
}
