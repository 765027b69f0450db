import type pg from 'pg'
import type { Effect } from './applyBatch.ts'

/**
 * Changes the accounts that exist and would be other than they are. `bytes` is the difference. A row whose hash is the
 * one stored is the change already applied: it costs one look at the index and is neither parsed nor written. The others
 * are parsed once (`offset 0` keeps the planner from doing it twice) and merged into the newest version of the account.
 */
export async function updateAccounts(client: pg.PoolClient): Promise<Effect> {
  const { rows } = await client.query<Effect>(
    `with updated as (
       update sluice.account a
       set name = c.name, attributes = sluice.changed(a.attributes, c.set, c.remove, c.deep), updated_at = c.updated_at,
         change_hash = c.hash, synced_at = now()
       from (
         select c.id, c.name, c.updated_at, c.hash, c.set::jsonb as set, c.remove, c.deep
         from pg_temp.change c join sluice.account a on a.id = c.id
         where c.kind = 'u' and a.change_hash is distinct from c.hash offset 0
       ) c
       where a.id = c.id and (a.name <> c.name or a.attributes <> sluice.changed(a.attributes, c.set, c.remove, c.deep))
       returning new.bytes - old.bytes as bytes
     )
     select count(*) as accounts, coalesce(sum(bytes), 0) as bytes from updated`,
  )
  return rows[0]!
}
