import type { Boundary } from '@sluice/core/batch/batchRef'
import { SluiceError } from '@sluice/core/faults'
import type { RunIdentity } from '@sluice/core/run/runIdentity'
import { compareTimestamps } from '@sluice/core/watermark/sourceTimestamp'
import type pg from 'pg'
import { transaction } from './transaction.ts'

export interface WatermarkCommit {
  run: RunIdentity
  segment: number
  /** The batches 0 to this one of the segment must stand in the ledger; -1: none. */
  lastBatch: number
  /** Absent: only the status is written. */
  boundary?: Boundary
  status: 'running' | 'paused'
  pausedBecause?: string
}

/**
 * §5: the watermark moves only forward, only by compare-and-set under the run's fencing token, and only to a timestamp
 * all of whose rows have been applied by the ledger's own count.
 * @throws SluiceError `run_lost`
 */
export async function commitWatermark(pool: pg.Pool, commit: WatermarkCommit): Promise<{ watermark?: Boundary }> {
  return transaction(pool, async (client) => {
    const { run, boundary } = commit
    const { rows } = await client.query<{ token: number }>(
      'select fencing_token as token from sluice.sync where name = $1 and active_run = $2 for no key update',
      [run.sync, run.runId],
    )
    if (rows[0]?.token !== run.token) throw new SluiceError('run_lost')
    await client.query('update sluice.run set status = $2, paused_because = $3 where run_id = $1', [
      run.runId,
      commit.status,
      commit.pausedBecause ?? null,
    ])
    const current = await lockWatermark(client, run.sync)
    if (boundary === undefined) return current === undefined ? {} : { watermark: current }
    await checkLedger(client, commit)
    if (current !== undefined && compareTimestamps(boundary.updatedAt, current.updatedAt) < 0)
      return { watermark: current }
    await client.query(
      `insert into sluice.watermark (sync, updated_at, rows_at_updated_at, moved_by) values ($1, $2, $3, $4)
       on conflict (sync) do update set updated_at = excluded.updated_at, rows_at_updated_at = excluded.rows_at_updated_at,
         moved_by = excluded.moved_by, moved_at = now()`,
      [run.sync, boundary.updatedAt, boundary.rowsAtUpdatedAt, `run ${run.runId}`],
    )
    await client.query('update sluice.run set watermark_to = $2 where run_id = $1', [run.runId, boundary.updatedAt])
    return { watermark: boundary }
  })
}

async function lockWatermark(client: pg.PoolClient, sync: string): Promise<Boundary | undefined> {
  const { rows } = await client.query<Boundary>(
    `select updated_at as "updatedAt", rows_at_updated_at as "rowsAtUpdatedAt" from sluice.watermark
     where sync = $1 for update`,
    [sync],
  )
  return rows[0]
}

async function checkLedger(client: pg.PoolClient, commit: WatermarkCommit): Promise<void> {
  const { rows } = await client.query<{ applied: number }>(
    `select count(*) as applied from sluice.batch
     where run_id = $1 and token = $2 and segment = $3 and batch between 0 and $4`,
    [commit.run.runId, commit.run.token, commit.segment, commit.lastBatch],
  )
  const applied = rows[0]!.applied
  if (applied !== commit.lastBatch + 1)
    throw new SluiceError(
      'internal',
      `The ledger holds ${applied} of the ${commit.lastBatch + 1} batches of segment ${commit.segment}: the watermark stands still.`,
    )
}
