import { plainColumns } from '@sluice/core/filter/filteredBatch'
import type pg from 'pg'
import type { Effect } from './applyBatch.ts'
import { copyIn } from './copyIn.ts'

/** The account's names for `plainColumns`, in their order. */
const accountColumns: Record<(typeof plainColumns)[number], string> = {
  id: 'id',
  name: 'name',
  updated_at: 'updated_at',
  hash: 'change_hash',
  set: 'attributes',
}

const uniqueViolation = '23505'

/**
 * A first load meets no account, so that its plain changes can be copied into the table as they are, without a look at it
 * and without a temporary table in between. The first account that does exist fails the copy; it is undone, and the
 * answer is undefined: the batch takes the ordinary way.
 */
export async function copyNewAccounts(client: pg.PoolClient, plain: Uint8Array): Promise<Effect | undefined> {
  if (plain.length === 0) return { accounts: 0, bytes: 0 }
  await client.query("savepoint new_accounts; set local work_mem = '64MB'")
  try {
    await copyIn(
      client,
      'sluice.account',
      plainColumns.map((column) => accountColumns[column]),
      plain,
    )
  } catch (error) {
    if ((error as { code?: string }).code !== uniqueViolation) throw error
    await client.query('rollback to savepoint new_accounts')
    return undefined
  }
  // COPY returns no rows; a trigger of the table keeps what it inserted (see the migrations).
  const { rows } = await client.query<Effect>(
    `select split_part(inserted, ' ', 1)::bigint as accounts, split_part(inserted, ' ', 2)::bigint as bytes
     from current_setting('sluice.inserted') as inserted`,
  )
  return rows[0]!
}
