import type { ChangesHeader } from '@sluice/core/batch/stagedObject'
import { SluiceError } from '@sluice/core/faults'
import { changeColumns, plainColumns, rejectedColumns } from '@sluice/core/filter/filteredBatch'
import type { RunIdentity } from '@sluice/core/run/runIdentity'
import type { RowCounts, SkippedFile } from '@sluice/core/run/runReport'
import { addTally, parseTally } from '@sluice/core/run/tally'
import type pg from 'pg'
import { transaction } from '../transaction.ts'
import { applyRepeatedIds } from './applyRepeatedIds.ts'
import { compareWithAccounts } from './compareWithAccounts.ts'
import { copyIn } from './copyIn.ts'
import { copyNewAccounts } from './copyNewAccounts.ts'
import { deleteAccounts } from './deleteAccounts.ts'
import { insertAccounts } from './insertAccounts.ts'
import { quarantineRows } from './quarantineRows.ts'
import { updateAccounts } from './updateAccounts.ts'

export interface BatchToApply {
  run: RunIdentity
  segment: number
  batch: number
  /** The schema version that the batch was filtered under. */
  schema: number
  header: ChangesHeader
  /** COPY text, see core's `plainColumns`, `changeColumns` and `rejectedColumns`. */
  plain: Uint8Array
  changes: Uint8Array
  rejected: Uint8Array
}

export type AppliedBatch =
  /** A newer schema is in force: the batch must be filtered again under it. */
  | { applied: false; schema: number }
  /** Sums over the run so far. */
  | { applied: true; rowsRead: number; rowsRejected: number }

/** What one statement did to the accounts and to usage. */
export interface Effect {
  accounts: number
  bytes: number
}

/**
 * §4: one batch in one transaction with its ledger entry, counts, quarantine, files and usage. A batch that stands in the
 * ledger is not applied again.
 * @throws SluiceError `run_lost` if another run holds the sync, `store_quota` if the batch would exceed it (nothing of it
 * is then applied), `store_conflict` and `store_unavailable` (retried)
 */
export async function applyBatch(pool: pg.Pool, input: BatchToApply): Promise<AppliedBatch> {
  return transaction(pool, async (client) => {
    const run = await lockRun(client, input.run)
    if (run.schema !== input.schema) return { applied: false, schema: run.schema }
    if (!(await enterLedger(client, input)))
      return { applied: true, rowsRead: run.rowsRead, rowsRejected: run.rowsRejected }

    const { report } = input.header
    const counts: RowCounts = {
      read: report.rowsRead,
      created: 0,
      updated: 0,
      unchanged: 0,
      deleted: 0,
      ignored: 0,
      merged: 0,
      rejected: report.rowsRejected,
    }
    const usage: Effect = { accounts: 0, bytes: 0 }
    const conditional: number[] = []
    await createTemporaryTables(client)
    const copied = run.metAccounts ? undefined : await copyNewAccounts(client, input.plain)
    if (copied === undefined) await copyIn(client, 'pg_temp.change', plainColumns, input.plain)
    else {
      counts.created += copied.accounts
      usage.accounts += copied.accounts
      usage.bytes += copied.bytes
    }
    await copyIn(client, 'pg_temp.change', changeColumns, input.changes)
    if (report.stepsMax > 1) {
      const repeated = await applyRepeatedIds(client)
      for (const outcome of ['created', 'updated', 'unchanged', 'deleted', 'ignored', 'merged'] as const)
        counts[outcome] += repeated.counts[outcome]
      usage.accounts += repeated.usage.accounts
      usage.bytes += repeated.usage.bytes
      conditional.push(...repeated.rejected)
    }
    await applySingleIds(client, counts, usage, conditional)
    counts.rejected += conditional.length

    const rejectedByCode = addTally(parseTally(run.rejected), report.rejected)
    if (conditional.length > 0) addTally(rejectedByCode, { missing_required: conditional.length })
    if (input.rejected.length > 0) {
      await copyIn(client, 'pg_temp.rejected', rejectedColumns, input.rejected)
      await quarantineRows(client, { run: input.run, conditional })
    }
    await recordFiles(client, input)
    await addUsage(client, usage)
    await addToRun(client, input, run, counts, rejectedByCode)
    return { applied: true, rowsRead: run.rowsRead + counts.read, rowsRejected: run.rowsRejected + counts.rejected }
  })
}

interface LockedRun {
  schema: number
  /** Whether a row of this sync ever met an account that existed, as far as this run knows. */
  metAccounts: boolean
  rowsRead: number
  rowsRejected: number
  rejected: string
  droppedFields: string
  typeMismatches: string
  unstorableValues: string
  filesSkipped: string
}

/**
 * The locks of §4 and §8 in one statement: no newcomer can take the sync over while a batch is applied, and no newer
 * schema can come into force.
 */
async function lockRun(client: pg.PoolClient, run: RunIdentity): Promise<LockedRun> {
  const { rows } = await client.query<LockedRun & { token: number }>(
    `select s.fencing_token as token, v.version as schema, r.rows_read as "rowsRead", r.rows_rejected as "rowsRejected",
       r.watermark_from is not null or r.rows_updated + r.rows_unchanged + r.rows_deleted > 0 as "metAccounts", r.rejected, r.dropped_fields as "droppedFields", r.type_mismatches as "typeMismatches",
       r.unstorable_values as "unstorableValues", r.files_skipped as "filesSkipped"
     from sluice.sync s, sluice.account_schema_in_force v, sluice.run r
     where s.name = $1 and s.active_run = $2 and r.run_id = $2
     for share of s, v for no key update of r`,
    [run.sync, run.runId],
  )
  const row = rows[0]
  if (row?.token !== run.token) throw new SluiceError('run_lost')
  return row
}

async function enterLedger(client: pg.PoolClient, input: BatchToApply): Promise<boolean> {
  const { rowCount } = await client.query(
    `insert into sluice.batch (run_id, token, segment, batch, rows_read, schema_version) values ($1, $2, $3, $4, $5, $6)
     on conflict do nothing`,
    [input.run.runId, input.run.token, input.segment, input.batch, input.header.report.rowsRead, input.schema],
  )
  return rowCount === 1
}

/** `set`, `deep` stay text until a row is known to differ: most rows of most runs change nothing and are never parsed. */
async function createTemporaryTables(client: pg.PoolClient): Promise<void> {
  await client.query(`
    set local client_min_messages = warning;
    create temporary table if not exists change (
      id text collate "C" not null, name text, updated_at text, hash uuid, set text, step int not null default 1,
      kind "char" not null default 'u', remove text[], deep text, lacks_required boolean not null default false, ordinal int
    ) on commit delete rows;
    create temporary table if not exists rejected (
      ordinal int not null, row_key uuid not null, id text, updated_at text, name text, payload text, deleted text,
      code text not null, sentence text not null, conditional boolean not null
    ) on commit delete rows`)
}

/** Ids that come once in the batch. */
async function applySingleIds(
  client: pg.PoolClient,
  counts: RowCounts,
  usage: Effect,
  conditional: number[],
): Promise<void> {
  await findAccountsByKey(client)
  const found = await compareWithAccounts(client)
  if (found.deletes > 0) {
    const deleted = await deleteAccounts(client)
    counts.deleted += deleted.accounts
    counts.ignored += found.deletes - deleted.accounts
    usage.accounts -= deleted.accounts
    usage.bytes -= deleted.bytes
  }
  // Most batches are of one kind: a first load finds no account, a volatile view finds all of them as they are.
  const none = { accounts: 0, bytes: 0 }
  const created = found.absent > 0 ? await insertAccounts(client) : none
  // Fewer than were absent: another sync created one meanwhile, so that it is to be updated.
  const updated = found.different > 0 || created.accounts < found.absent ? await updateAccounts(client) : none
  const rejected = found.lacking > 0 ? await findRejected(client) : []
  conditional.push(...rejected)
  counts.created += created.accounts
  counts.updated += updated.accounts
  counts.unchanged += found.upserts - created.accounts - updated.accounts - rejected.length
  usage.accounts += created.accounts
  usage.bytes += created.bytes + updated.bytes
}

/**
 * A batch always finds its accounts by the primary key, however large the store is and whatever the planner believes about
 * a temporary table without statistics. On a store that was empty when it was last analysed it would scan the table once
 * for every row, while the very same statement makes it grow.
 */
export async function findAccountsByKey(client: pg.PoolClient): Promise<void> {
  await client.query(
    'set local enable_hashjoin = off; set local enable_mergejoin = off; set local enable_seqscan = off; set local enable_material = off',
  )
}

/** §3: an account that would be created without a required field. */
async function findRejected(client: pg.PoolClient): Promise<number[]> {
  const { rows } = await client.query<{ ordinal: number }>(
    `select ordinal from pg_temp.change c
     where lacks_required and not exists (select from sluice.account a where a.id = c.id)`,
  )
  return rows.map((row) => row.ordinal)
}

async function recordFiles(client: pg.PoolClient, input: BatchToApply): Promise<void> {
  const completed = input.header.files?.completed ?? []
  if (completed.length === 0) return
  await client.query(
    `insert into sluice.file (sync, key, etag, version, rows, run_id)
     select $1, f.key, f.etag, f.version, f.rows, $2
     from unnest($3::text[], $4::text[], $5::text[], $6::bigint[]) as f (key, etag, version, rows)
     on conflict (sync, key) do update
     set etag = excluded.etag, version = excluded.version, rows = excluded.rows, run_id = excluded.run_id, applied_at = now()`,
    [
      input.run.sync,
      input.run.runId,
      completed.map((file) => file.key),
      completed.map((file) => file.etag),
      completed.map((file) => file.version),
      completed.map((file) => file.rows),
    ],
  )
}

/** Last of all, since every sync updates this one row. */
async function addUsage(client: pg.PoolClient, usage: Effect): Promise<void> {
  if (usage.accounts === 0 && usage.bytes === 0) return
  const { rows } = await client.query<{ tooMany: boolean | null; tooLarge: boolean | null }>(
    `update sluice.usage set accounts = accounts + $1, bytes = bytes + $2
     returning accounts > accounts_max as "tooMany", bytes > bytes_max as "tooLarge"`,
    [usage.accounts, usage.bytes],
  )
  if (usage.accounts > 0 && rows[0]?.tooMany) throw new SluiceError('store_quota', 'No further account may be stored.')
  if (usage.bytes > 0 && rows[0]?.tooLarge) throw new SluiceError('store_quota', 'No further bytes may be stored.')
}

async function addToRun(
  client: pg.PoolClient,
  input: BatchToApply,
  run: LockedRun,
  counts: RowCounts,
  rejected: object,
): Promise<void> {
  const { report, files } = input.header
  // A file that a later segment or attempt finds still broken is one file.
  const skipped = [
    ...new Map(
      [...(JSON.parse(run.filesSkipped) as SkippedFile[]), ...(files?.skipped ?? [])].map((file) => [file.key, file]),
    ).values(),
  ]
  await client.query(
    `update sluice.run set rows_read = rows_read + $2, rows_created = rows_created + $3, rows_updated = rows_updated + $4,
       rows_unchanged = rows_unchanged + $5, rows_deleted = rows_deleted + $6, rows_ignored = rows_ignored + $7,
       rows_merged = rows_merged + $8, rows_rejected = rows_rejected + $9, rejected = $10, dropped_fields = $11,
       type_mismatches = $12, unstorable_values = $13, files_applied = files_applied + $14, files_skipped = $15,
       schema_version = $16
     where run_id = $1`,
    [
      input.run.runId,
      counts.read,
      counts.created,
      counts.updated,
      counts.unchanged,
      counts.deleted,
      counts.ignored,
      counts.merged,
      counts.rejected,
      JSON.stringify(rejected),
      JSON.stringify(addTally(parseTally(run.droppedFields), report.droppedFields)),
      JSON.stringify(addTally(parseTally(run.typeMismatches), report.typeMismatches)),
      JSON.stringify(addTally(parseTally(run.unstorableValues), report.unstorableValues)),
      files?.completed.length ?? 0,
      JSON.stringify(skipped),
      input.schema,
    ],
  )
}
