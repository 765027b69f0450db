import type { RowCounts } from '@sluice/core/run/runReport'
import type pg from 'pg'
import { type Effect, findAccountsByKey } from './applyBatch.ts'

export interface RepeatedIds {
  counts: Omit<RowCounts, 'read' | 'rejected'>
  usage: Effect
  /** Ordinals of the rows that were rejected because their account did not exist at their turn. */
  rejected: number[]
}

/**
 * §4: several rows for one id in one batch give exactly what applying them one by one would give. Moves them out of
 * `change`, walks each id's rows on top of its stored account, and writes the last state once. The last row that was not
 * rejected gets the outcome, the others are `merged`.
 */
export async function applyRepeatedIds(client: pg.PoolClient): Promise<RepeatedIds> {
  await client.query(`
    create temporary table if not exists repeated (like pg_temp.change, primary key (id, step)) on commit delete rows;
    create temporary table if not exists walked (
      id text collate "C" not null, step int not null, rejected boolean not null, ordinal int, last boolean not null,
      present boolean not null, recreated boolean not null, name text, attributes jsonb, updated_at text, hash uuid
    ) on commit delete rows;
    with moved as (
      delete from pg_temp.change c using (select distinct id from pg_temp.change where step > 1) r where c.id = r.id
      returning c.*
    )
    insert into pg_temp.repeated select * from moved`)
  await findAccountsByKey(client)

  // Held until the end, so that what is walked is what is written. An id without an account cannot be locked: if another
  // sync creates it meanwhile, the insert below fails and the batch is tried again.
  await client.query('select from sluice.account where id in (select id from pg_temp.repeated) for update')
  await client.query(
    `with recursive walk as (
       select r.id, 0 as step, false as rejected, -1 as ordinal, a.id is not null as present, false as recreated,
         a.name, a.attributes, a.updated_at, a.change_hash as hash
       from (select id from pg_temp.repeated where step = 1) r left join sluice.account a on a.id = r.id
       union all
       select w.id, c.step, turn.rejected, c.ordinal,
         case when turn.rejected then false else c.kind = 'u' end,
         w.recreated or (c.kind = 'u' and not w.present and not turn.rejected
           and exists (select from sluice.account a where a.id = w.id)),
         case when turn.rejected or c.kind = 'd' then null else c.name end,
         turn.attributes,
         case when turn.rejected or c.kind = 'd' then null
           when w.present and w.name = c.name and w.attributes = turn.attributes then w.updated_at
           else c.updated_at end,
         case when turn.rejected or c.kind = 'd' then null else c.hash end
       from walk w
       join pg_temp.repeated c on c.id = w.id and c.step = w.step + 1,
       lateral (
         select not w.present and c.lacks_required is true and c.kind = 'u' as rejected,
           case when c.kind = 'd' or (not w.present and c.lacks_required is true) then null
             else sluice.changed(case when w.present then w.attributes else '{}' end, c.set::jsonb, c.remove, c.deep) end as attributes
       ) turn
     )
     insert into pg_temp.walked (id, step, rejected, ordinal, last, present, recreated, name, attributes, updated_at, hash)
     select id, step, rejected, ordinal, step = max(step) over (partition by id), present, recreated, name, attributes,
       updated_at, hash
     from walk where step > 0`,
  )

  const deleted = await effect(
    client,
    `delete from sluice.account a using pg_temp.walked w where w.last and not w.present and a.id = w.id returning a.bytes`,
  )
  const updated = await effect(
    client,
    `update sluice.account a
     set name = w.name, attributes = w.attributes, updated_at = w.updated_at, change_hash = w.hash, synced_at = now(),
       created_at = case when w.recreated then now() else a.created_at end
     from pg_temp.walked w
     where w.last and w.present and a.id = w.id
       -- A row that changed the account and another that changed it back leave their UPDATED_AT.
       and (w.recreated or a.name <> w.name or a.attributes <> w.attributes or a.updated_at is distinct from w.updated_at)
     returning new.bytes - old.bytes as bytes`,
  )
  const created = await effect(
    client,
    `insert into sluice.account (id, name, attributes, updated_at, change_hash)
     select w.id, w.name, w.attributes, w.updated_at, w.hash from pg_temp.walked w
     where w.last and w.present and not exists (select from sluice.account a where a.id = w.id)
     returning bytes`,
  )
  const { rows } = await client.query<{ applied: number; ids: number; present: number; rejected: number[] | null }>(
    `select count(*) filter (where not rejected) as applied,
       count(distinct id) filter (where not rejected) as ids,
       count(*) filter (where last and present) as present,
       array_agg(ordinal) filter (where rejected) as rejected
     from pg_temp.walked`,
  )
  const { applied, ids, present, rejected } = rows[0]!
  return {
    counts: {
      created: created.accounts,
      updated: updated.accounts,
      deleted: deleted.accounts,
      unchanged: present - created.accounts - updated.accounts,
      // Ids without an account before and after, of which at least one row was taken.
      ignored: ids - present - deleted.accounts,
      merged: applied - ids,
    },
    usage: { accounts: created.accounts - deleted.accounts, bytes: created.bytes + updated.bytes - deleted.bytes },
    rejected: rejected ?? [],
  }
}

async function effect(client: pg.PoolClient, statement: string): Promise<Effect> {
  const { rows } = await client.query<Effect>(
    `with touched as (${statement}) select count(*) as accounts, coalesce(sum(bytes), 0) as bytes from touched`,
  )
  return rows[0]!
}
