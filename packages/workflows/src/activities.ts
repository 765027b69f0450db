import type { BatchRef, Boundary } from '@sluice/core/batch/batchRef'
import type { FaultReport } from '@sluice/core/faults'
import type { RunIdentity } from '@sluice/core/run/runIdentity'
import type { RunKind, RunStatus, RunWarning } from '@sluice/core/run/runReport'
import type { OnTypeMismatch } from '@sluice/core/schema/accountSchema'

/**
 * What the run workflow asks of a worker. Types only: workflow code never imports an implementation. Everything here is
 * small whatever the rows hold; rows go through the stage.
 */
export interface SyncRunActivities {
  /**
   * Claims the sync for this run (the lease), migrates nothing, creates the run's row, reads the watermark and the schema
   * in force. Also called after a resume, with the same run: it then answers the same token.
   * Does not touch the source: extract does.
   */
  connect(input: ConnectInput): Promise<ConnectResult>
  /** Streams one segment: claims its place, stages batches and offers each to the workflow by Update. */
  extract(input: ExtractInput): Promise<ExtractResult>
  /** Staged raw rows in, staged changes out. */
  schemaFilter(input: SchemaFilterInput): Promise<SchemaFilterResult>
  /** One transaction: changes, ledger, counts, quarantine, files, usage. */
  apply(input: ApplyInput): Promise<ApplyResult>
  /** Moves the watermark by compare-and-set; frees the staged batches up to it. */
  commitWatermark(input: CommitWatermarkInput): Promise<CommitWatermarkResult>
  /** Writes the end of the run, gives the lease back, empties its stage. */
  finishRun(input: FinishRunInput): Promise<FinishRunResult>
}

export interface ConnectInput {
  sync: string
  kind: RunKind
  runId: string
  /** Temporal's own run id, which is another one after a reset of the workflow. */
  executionId: string
  workflowId: string
  /** ISO, from the workflow. */
  startedAt: string
}

export type ConnectResult =
  | { claimed: false /** The run that holds the sync. */; holder: string }
  | {
      claimed: true
      token: number
      /** The name of the connection. */
      source: string
      schema: number
      watermark?: Boundary
      settings: RunSettings
    }

/** The sync's settings that the workflow itself needs. */
export interface RunSettings {
  retryForMs: number
  queryTimeoutMs: number
  rowsPerRunMax: number
  onTypeMismatch: OnTypeMismatch
  /** Batches filtered or applied at one time. */
  window: number
  /** Batches a segment may hold before it ends at a timestamp boundary. */
  batchesPerSegment: number
  stopWhen?: { rejectedRows?: number; rejectedShare?: number }
}

export interface ExtractInput {
  run: RunIdentity
  /** 0-based, over continue-as-new. */
  segment: number
  /** Rows after it are read, and those at it if the source now holds another number of them. Absent: from the beginning. */
  from?: Boundary
  /**
   * No timestamp of this run has been applied yet: the rows outside every watermark are read too, and `lookback` before
   * `from`.
   */
  opening: boolean
  /** Rows the run may still read. */
  rowsMax: number
  /** Batches after which the segment ends as soon as it can. */
  batchesMax: number
}

export interface ExtractResult {
  /** `exhausted`: nothing is left. `segment`: go on in a next segment. `stopped`: the workflow said so. Or a limit (§7). */
  end: 'exhausted' | 'segment' | 'stopped' | 'rows_limit' | 'query_timeout'
  warnings: RunWarning[]
}

export interface SchemaFilterInput {
  run: RunIdentity
  segment: number
  /** 0-based, within the segment. */
  batch: number
  raw: BatchRef
  schema: number
  onTypeMismatch: OnTypeMismatch
}

export interface SchemaFilterResult {
  changes: BatchRef
  rejected: number
}

export interface ApplyInput {
  run: RunIdentity
  segment: number
  batch: number
  changes: BatchRef
  schema: number
}

export type ApplyResult =
  /** A newer schema is in force: filter this batch again under it. */
  | { applied: false; schema: number }
  /** Sums over the run so far. */
  | { applied: true; rowsRead: number; rowsRejected: number }

export interface CommitWatermarkInput {
  run: RunIdentity
  segment: number
  /** The batches that must stand in the ledger before the watermark may move: 0 to this one. -1: none. */
  lastBatch: number
  /** Absent: the watermark stays. */
  boundary?: Boundary
  /** Staged objects that are not needed any more. */
  free: string[]
  status: Extract<RunStatus, 'running' | 'paused'>
  pausedBecause?: string
}

export interface CommitWatermarkResult {
  watermark?: Boundary
}

export interface FinishRunInput {
  run: RunIdentity
  /** `success` becomes `partial` in the store when a row was rejected or a file skipped. */
  status: Exclude<RunStatus, 'running' | 'paused' | 'partial'>
  finishedAt: string
  warnings: RunWarning[]
  error?: FaultReport
}

export interface FinishRunResult {
  status: RunStatus
  rowsRead: number
  rowsRejected: number
}
