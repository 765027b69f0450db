import { SluiceError } from '@sluice/core/faults'
import type pg from 'pg'
import { accountStore } from './migrations/0001_account_store.ts'
import type { Db } from './openStore.ts'
import { withStoreFaults } from './storeFaults.ts'
import { transaction } from './transaction.ts'

/** In order; the number of a migration is its place, from 1. One that has been released is never edited. */
const migrations: readonly string[] = [accountStore]

/** Any number, the same in every process: two that migrate at once take turns. */
const migrationLock = 7_501_834

/**
 * Brings the store to this version of Sluice. Idempotent; safe to run from many processes at once.
 * @throws SluiceError `store_too_new`: a newer Sluice migrated it, and this one might break its rules
 */
export async function migrate(pool: pg.Pool): Promise<{ from: number; to: number }> {
  return transaction(pool, async (client) => {
    await client.query('select pg_advisory_xact_lock($1)', [migrationLock])
    await client.query('create schema if not exists sluice')
    await client.query(
      'create table if not exists sluice.migration (version int primary key, applied_at timestamptz not null default now())',
    )
    const from = await readVersion(client)
    if (from > migrations.length)
      throw new SluiceError('store_too_new', `It is at version ${from}; this Sluice knows ${migrations.length}.`)
    for (let version = from + 1; version <= migrations.length; version++) {
      await client.query(migrations[version - 1]!)
      await client.query('insert into sluice.migration (version) values ($1)', [version])
    }
    return { from, to: migrations.length }
  })
}

/** 0: an empty store. */
export async function readStoreVersion(db: Db): Promise<number> {
  return withStoreFaults(async () => {
    const { rows } = await db.query<{ there: boolean }>("select to_regclass('sluice.migration') is not null as there")
    return rows[0]?.there ? readVersion(db) : 0
  })
}

export const storeVersion = migrations.length

async function readVersion(db: Db): Promise<number> {
  const { rows } = await db.query<{ version: number }>(
    'select coalesce(max(version), 0) as version from sluice.migration',
  )
  return rows[0]?.version ?? 0
}
