import type { FaultReport } from '../faults.ts'

/** §7. */
export type RunStatus =
  | 'running'
  | 'paused'
  | 'success'
  | 'partial'
  | 'error'
  | 'config_error'
  | 'limit_exceeded'
  | 'cancelled'
export type RunKind = 'scheduled' | 'manual' | 'backfill' | 'retry'

/** §1. What became of each row. In every run read = the sum of the outcomes. */
export interface RowCounts {
  read: number
  created: number
  updated: number
  unchanged: number
  deleted: number
  ignored: number
  merged: number
  rejected: number
}

/** Rows by name: of a field (by path), of a rejection code. */
export type Tally = Record<string, number>

export interface SkippedFile {
  key: string
  /** 1-based; absent where the format has no lines. */
  line?: number
  code: string
  sentence: string
}

type WarningCode =
  | 'volatile_updated_at'
  | 'future_updated_at'
  | 'updated_at_ignored'
  | 'file_overwritten'
  | 'tally_truncated'

export interface RunWarning {
  code: WarningCode
  sentence: string
}

/** The answer of `sync run --wait`, `run show` and the API (interfaces §4). Keys that do not apply are absent. */
export interface RunReport {
  run_id: string
  sync: string
  kind: RunKind
  status: RunStatus
  workflow_id: string
  temporal_url?: string
  started_at: string
  finished_at?: string
  schema_version?: number
  watermark?: { from?: string; to?: string }
  rows: RowCounts
  rejected?: Tally
  dropped_fields?: Tally
  type_mismatches?: Tally
  unstorable_values?: Tally
  files?: { applied: number; skipped: SkippedFile[] }
  warnings?: RunWarning[]
  error?: FaultReport
}
