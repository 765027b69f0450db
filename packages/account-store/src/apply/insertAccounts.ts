import type pg from 'pg'
import type { Effect } from './applyBatch.ts'

/**
 * Creates the accounts that do not exist. If another sync creates one of them at the same moment, the insert fails and
 * the batch is applied again from the start: `on conflict` would spare that, but costs every row a third of its time.
 */
export async function insertAccounts(client: pg.PoolClient): Promise<Effect> {
  const { rows } = await client.query<Effect>(
    `with created as (
       insert into sluice.account (id, name, attributes, updated_at, change_hash)
       select c.id, c.name,
         case when c.deep is null then c.set::jsonb else sluice.changed('{}', c.set::jsonb, null, c.deep) end,
         c.updated_at, c.hash
       from pg_temp.change c
       where c.kind = 'u' and not c.lacks_required and not exists (select from sluice.account a where a.id = c.id)
       returning bytes
     )
     select count(*) as accounts, coalesce(sum(bytes), 0) as bytes from created`,
  )
  return rows[0]!
}
