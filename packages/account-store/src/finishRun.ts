import type { FaultReport } from '@sluice/core/faults'
import type { RunIdentity } from '@sluice/core/run/runIdentity'
import type { RunStatus, RunWarning } from '@sluice/core/run/runReport'
import type pg from 'pg'
import { transaction } from './transaction.ts'

export interface RunEnd {
  run: RunIdentity
  status: Exclude<RunStatus, 'running' | 'paused' | 'partial'>
  /** ISO. */
  finishedAt: string
  warnings: RunWarning[]
  error?: FaultReport
}

export interface FinishedRun {
  status: RunStatus
  rowsRead: number
  rowsRejected: number
}

/**
 * Writes the end of the run and gives the sync back. Idempotent. A run that lost its sync keeps the end that its successor
 * wrote for it.
 */
export async function finishRun(pool: pg.Pool, end: RunEnd): Promise<FinishedRun> {
  return transaction(pool, async (client) => {
    await client.query(
      `update sluice.run set
         status = case when $2 = 'success' and (rows_rejected > 0 or files_skipped <> '[]') then 'partial' else $2 end,
         finished_at = $3, warnings = $4, error = $5, paused_because = null
       where run_id = $1 and finished_at is null`,
      [
        end.run.runId,
        end.status,
        end.finishedAt,
        JSON.stringify(end.warnings),
        end.error ? JSON.stringify(end.error) : null,
      ],
    )
    await client.query('update sluice.sync set active_run = null where name = $1 and active_run = $2', [
      end.run.sync,
      end.run.runId,
    ])
    const { rows } = await client.query<FinishedRun>(
      `select status, rows_read as "rowsRead", rows_rejected as "rowsRejected" from sluice.run where run_id = $1`,
      [end.run.runId],
    )
    return rows[0] ?? { status: end.status, rowsRead: 0, rowsRejected: 0 }
  })
}
