import type { FaultReport } from '@sluice/core/faults'
import type { RunKind, RunReport, RunStatus, RunWarning, SkippedFile, Tally } from '@sluice/core/run/runReport'
import { parseTally } from '@sluice/core/run/tally'
import type { Db } from './openStore.ts'
import { withStoreFaults } from './storeFaults.ts'

/** Newest first. `before`: run id of the last one seen. */
export async function listRuns(
  db: Db,
  options: { sync?: string; limit: number; before?: string },
): Promise<RunReport[]> {
  return withStoreFaults(async () => {
    const { rows } = await db.query<RunRow>(
      `select * from sluice.run
       where ($1::text is null or sync = $1)
         and ($2::text is null or (started_at, run_id) < (select started_at, run_id from sluice.run where run_id = $2))
       order by started_at desc, run_id desc limit $3`,
      [options.sync ?? null, options.before ?? null, options.limit],
    )
    return rows.map(report)
  })
}

export async function readRun(db: Db, runId: string): Promise<RunReport | undefined> {
  return withStoreFaults(async () => {
    const { rows } = await db.query<RunRow>('select * from sluice.run where run_id = $1', [runId])
    return rows[0] && report(rows[0])
  })
}

interface RunRow {
  run_id: string
  sync: string
  kind: RunKind
  status: RunStatus
  workflow_id: string
  started_at: Date
  finished_at: Date | null
  schema_version: number
  watermark_from: string | null
  watermark_to: string | null
  rows_read: number
  rows_created: number
  rows_updated: number
  rows_unchanged: number
  rows_deleted: number
  rows_ignored: number
  rows_merged: number
  rows_rejected: number
  rejected: string
  dropped_fields: string
  type_mismatches: string
  unstorable_values: string
  files_applied: number
  files_skipped: string
  warnings: string
  error: string | null
}

/** Interfaces §4: keys that do not apply are absent. */
function report(row: RunRow): RunReport {
  const skipped = JSON.parse(row.files_skipped) as SkippedFile[]
  const warnings = JSON.parse(row.warnings) as RunWarning[]
  const watermark = {
    ...(row.watermark_from !== null && { from: row.watermark_from }),
    ...(row.watermark_to !== null && { to: row.watermark_to }),
  }
  return {
    run_id: row.run_id,
    sync: row.sync,
    kind: row.kind,
    status: row.status,
    workflow_id: row.workflow_id,
    started_at: row.started_at.toISOString(),
    ...(row.finished_at && { finished_at: row.finished_at.toISOString() }),
    schema_version: row.schema_version,
    ...(Object.keys(watermark).length > 0 && { watermark }),
    rows: {
      read: row.rows_read,
      created: row.rows_created,
      updated: row.rows_updated,
      unchanged: row.rows_unchanged,
      deleted: row.rows_deleted,
      ignored: row.rows_ignored,
      merged: row.rows_merged,
      rejected: row.rows_rejected,
    },
    ...tally('rejected', row.rejected),
    ...tally('dropped_fields', row.dropped_fields),
    ...tally('type_mismatches', row.type_mismatches),
    ...tally('unstorable_values', row.unstorable_values),
    ...((row.files_applied > 0 || skipped.length > 0) && { files: { applied: row.files_applied, skipped } }),
    ...(warnings.length > 0 && { warnings }),
    ...(row.error !== null && { error: JSON.parse(row.error) as FaultReport }),
  }
}

function tally<K extends string>(key: K, json: string): Partial<Record<K, Tally>> {
  if (json === '{}') return {}
  return { [key]: parseTally(json) } as Record<K, Tally>
}
