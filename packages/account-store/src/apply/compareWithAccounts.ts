import type pg from 'pg'

/** The rows of a batch by what they met. */
export interface Comparison {
  deletes: number
  upserts: number
  /** Upserts whose account does not exist. */
  absent: number
  /** Upserts whose account exists and was last changed by another change. */
  different: number
  /** Upserts that may not create an account. */
  lacking: number
}

/**
 * One look at the index for each row. An upsert that is neither absent nor different is the change already applied: it is
 * neither parsed nor written.
 */
export async function compareWithAccounts(client: pg.PoolClient): Promise<Comparison> {
  const { rows } = await client.query<Comparison>(
    `select count(*) filter (where c.kind = 'd') as deletes,
       count(*) filter (where c.kind = 'u') as upserts,
       count(*) filter (where c.kind = 'u' and a.id is null) as absent,
       count(*) filter (where c.kind = 'u' and a.id is not null and a.change_hash is distinct from c.hash) as different,
       count(*) filter (where c.lacks_required) as lacking
     from pg_temp.change c left join sluice.account a on a.id = c.id`,
  )
  return rows[0]!
}
