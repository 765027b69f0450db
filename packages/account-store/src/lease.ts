import type { Boundary } from '@sluice/core/batch/batchRef'
import { SluiceError } from '@sluice/core/faults'
import type { RunKind } from '@sluice/core/run/runReport'
import type pg from 'pg'
import type { Db } from './openStore.ts'
import { withStoreFaults } from './storeFaults.ts'
import { transaction } from './transaction.ts'

/** The run that holds a sync. */
export interface LeaseHolder {
  runId: string
  workflowId: string
  /** ISO. */
  startedAt: string
}

export interface ClaimRequest {
  sync: string
  runId: string
  /** Temporal's own run id, which is another one after a reset of the workflow: its batches are then other ones, too. */
  executionId: string
  workflowId: string
  kind: RunKind
  /** ISO. */
  startedAt: string
  /** Run id of a holder whose workflow is known to be closed: its claim is taken over. */
  takeOverFrom?: string
}

export type Claim =
  | { claimed: true; token: number; schema: number; watermark?: Boundary }
  | { claimed: false; holder: LeaseHolder }

/**
 * §7: one run of a sync at a time. Gives the sync to this run with a new fencing token, and writes the run's row. The same
 * run that asks again gets the token that it has.
 * @throws SluiceError `sync_missing`, `schema_missing`; `run_lost` if this run has ended
 */
export async function claimSync(pool: pg.Pool, request: ClaimRequest): Promise<Claim> {
  return transaction(pool, async (client) => {
    const { rows } = await client.query<{ holder: string | null; execution: string | null; token: number }>(
      `select active_run as holder, active_execution as execution, fencing_token as token
       from sluice.sync where name = $1 for update`,
      [request.sync],
    )
    const sync = rows[0]
    if (sync === undefined) throw new SluiceError('sync_missing', `Its name is "${request.sync}".`)
    const free = sync.holder === null || sync.holder === request.runId || sync.holder === request.takeOverFrom
    if (!free) {
      const holder = await readLease(client, request.sync)
      if (holder !== undefined) return { claimed: false, holder }
    }
    const schema = await readSchemaInForce(client)
    const watermark = await readBoundary(client, request.sync)
    let token = sync.token
    if (sync.holder !== request.runId || sync.execution !== request.executionId) {
      if (sync.holder !== null && sync.holder !== request.runId) await endLostRun(client, sync.holder)
      token = await takeToken(client, request)
    }
    // A worker that woke up when its run was over must not take the sync for it again.
    const { rowCount } = await client.query(
      `insert into sluice.run (run_id, sync, kind, status, workflow_id, started_at, schema_version, watermark_from)
       values ($1, $2, $3, 'running', $4, $5, $6, $7)
       on conflict (run_id) do update set status = 'running', paused_because = null, schema_version = excluded.schema_version
       where run.finished_at is null`,
      [
        request.runId,
        request.sync,
        request.kind,
        request.workflowId,
        request.startedAt,
        schema,
        watermark?.updatedAt ?? null,
      ],
    )
    if (rowCount === 0) throw new SluiceError('run_lost')
    return watermark === undefined ? { claimed: true, token, schema } : { claimed: true, token, schema, watermark }
  })
}

/** The run that holds the sync now; absent: it is free. */
export async function readLease(db: Db, sync: string): Promise<LeaseHolder | undefined> {
  return withStoreFaults(async () => {
    const { rows } = await db.query<{ runId: string; workflowId: string; startedAt: Date }>(
      `select r.run_id as "runId", r.workflow_id as "workflowId", r.started_at as "startedAt"
       from sluice.sync s join sluice.run r on r.run_id = s.active_run where s.name = $1`,
      [sync],
    )
    const holder = rows[0]
    return holder && { ...holder, startedAt: holder.startedAt.toISOString() }
  })
}

async function takeToken(client: pg.PoolClient, request: ClaimRequest): Promise<number> {
  const { rows } = await client.query<{ token: number }>(
    `update sluice.sync set active_run = $2, active_execution = $3, fencing_token = nextval('sluice.fencing_token')
     where name = $1 returning fencing_token as token`,
    [request.sync, request.runId, request.executionId],
  )
  return rows[0]!.token
}

/** The holder's workflow is closed, but it never came to finishRun: it was terminated, or timed out. */
export async function endLostRun(client: pg.PoolClient, runId: string): Promise<void> {
  await client.query(
    `update sluice.run set status = 'error', finished_at = now(), error = $2
     where run_id = $1 and status in ('running', 'paused')`,
    [
      runId,
      JSON.stringify({
        code: 'run_lost',
        sentence: 'Its workflow was closed before it could finish: what it committed stands.',
        remedy: 'Nothing to do: the next run goes on from the last commit.',
      }),
    ],
  )
}

async function readSchemaInForce(client: pg.PoolClient): Promise<number> {
  const { rows } = await client.query<{ version: number }>('select version from sluice.account_schema_in_force')
  if (rows[0] === undefined) throw new SluiceError('schema_missing')
  return rows[0].version
}

async function readBoundary(client: pg.PoolClient, sync: string): Promise<Boundary | undefined> {
  const { rows } = await client.query<Boundary>(
    `select updated_at as "updatedAt", rows_at_updated_at as "rowsAtUpdatedAt" from sluice.watermark where sync = $1`,
    [sync],
  )
  return rows[0]
}
