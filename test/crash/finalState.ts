import { readdir } from 'node:fs/promises'
import { readLease } from '@sluice/account-store/lease'
import { readUsage, recountUsage } from '@sluice/account-store/usage'
import type pg from 'pg'
import { expect } from 'vitest'
import type { OracleAccount } from '../store/accountOracle.ts'

/** What a run must leave behind in the same way whatever happened to it. */
export interface FinalState {
  accounts: OracleAccount[]
  quarantine: { id: string | null; updated_at: string | null; code: string; payload: string | null }[]
  watermark: { updated_at: string; rows_at_updated_at: number } | undefined
}

export async function readFinalState(store: pg.Pool): Promise<FinalState> {
  const query = async (text: string) => (await store.query(text)).rows
  return {
    accounts: await query('select id, name, attributes, updated_at from sluice.account order by id'),
    // Payloads of a mebibyte are compared, not shown.
    quarantine: await query(
      `select id, updated_at, name, deleted, code, row_key, left(payload, 100) as payload, md5(payload) as payload_md5
       from sluice.quarantine order by row_key`,
    ),
    watermark: (await query('select updated_at, rows_at_updated_at from sluice.watermark'))[0],
  }
}

/** §1, §4, §10: what must hold in every store that has no run under way. */
export async function checkBooks(store: pg.Pool, { sync, stageFolder }: { sync: string; stageFolder: string }) {
  const { rows: runs } = await store.query(`
    select r.*, (select coalesce(sum(b.rows_read), 0) from sluice.batch b where b.run_id = r.run_id) as ledger
    from sluice.run r order by started_at`)
  for (const run of runs) {
    expect(run.finished_at, 'the run has ended').not.toBeNull()
    const outcomes = ['created', 'updated', 'unchanged', 'deleted', 'ignored', 'merged', 'rejected']
    const sum = outcomes.reduce((sum, outcome) => sum + run[`rows_${outcome}`], 0)
    expect(sum, '§1 read = the sum of the outcomes').toBe(run.rows_read)
    expect(run.ledger, '§4 the ledger counts the rows read').toBe(run.rows_read)
  }
  const { rows } = await store.query('select count(*) as accounts from sluice.account')
  const made = runs.reduce((sum, run) => sum + run.rows_created - run.rows_deleted, 0)
  expect(made, 'created − deleted = accounts').toBe(rows[0].accounts)
  expect(await readUsage(store), '§10 usage equals a recount').toEqual(await recountUsage(store))
  expect(await readLease(store, sync), '§7 the lease is free').toBeUndefined()
  const staged = await readdir(stageFolder, { recursive: true, withFileTypes: true }).catch(() => [])
  expect(
    staged.filter((entry) => entry.isFile()).map((entry) => entry.name),
    'nothing is left in the stage',
  ).toEqual([])
}

/** Changes with every write to an account, also one that writes what is there. */
export async function writesOf(store: pg.Pool): Promise<string> {
  const { rows } = await store.query(
    `select md5(string_agg(id || ' ' || xmin || ' ' || ctid || ' ' || synced_at, ',' order by id)) as writes from sluice.account`,
  )
  return rows[0].writes
}
