import type pg from 'pg'
import type { Effect } from './applyBatch.ts'

/** §4: DELETED true removes the account with all its attributes. */
export async function deleteAccounts(client: pg.PoolClient): Promise<Effect> {
  const { rows } = await client.query<Effect>(
    `with deleted as (
       delete from sluice.account a using pg_temp.change c where c.kind = 'd' and a.id = c.id returning a.bytes
     )
     select count(*) as accounts, coalesce(sum(bytes), 0) as bytes from deleted`,
  )
  return rows[0]!
}
