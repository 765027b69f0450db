import type { RunKind } from '@sluice/core/run/runReport'

/** What starts a run: from a schedule, a command or the API. */
export interface SyncRunInput {
  sync: string
  kind: RunKind
}

export type SyncRunResult =
  | { outcome: 'skipped'; reason: 'another job is in progress'; holder: string }
  | { outcome: 'finished'; runId: string; status: string; rowsRead: number; rowsRejected: number }
