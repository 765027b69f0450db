import type { Db } from './openStore.ts'
import { withStoreFaults } from './storeFaults.ts'

/** Interfaces §4. */
export interface QuarantinedRow {
  id: string | null
  sync: string
  run_id: string
  updated_at: string | null
  /** As it came, cut to 1 MiB. */
  payload: string | null
  code: string
  sentence: string
  quarantined_at: string
  retried_at: string | null
}

/** Newest first. `offset`: how many to leave out. */
export async function listQuarantine(
  db: Db,
  options: { sync?: string; code?: string; limit: number; offset?: number },
): Promise<QuarantinedRow[]> {
  return withStoreFaults(async () => {
    const { rows } = await db.query<
      Omit<QuarantinedRow, 'quarantined_at' | 'retried_at'> & { quarantined_at: Date; retried_at: Date | null }
    >(
      `select id, sync, run_id, updated_at, payload, code, sentence, quarantined_at, retried_at from sluice.quarantine
       where ($1::text is null or sync = $1) and ($2::text is null or code = $2)
       order by quarantined_at desc, sync, row_key limit $3 offset $4`,
      [options.sync ?? null, options.code ?? null, options.limit, options.offset ?? 0],
    )
    return rows.map((row) => ({
      ...row,
      quarantined_at: row.quarantined_at.toISOString(),
      retried_at: row.retried_at?.toISOString() ?? null,
    }))
  })
}

export async function countQuarantine(db: Db, options: { sync?: string; code?: string }): Promise<number> {
  return withStoreFaults(async () => {
    const { rows } = await db.query<{ rows: number }>(
      'select count(*) as rows from sluice.quarantine where ($1::text is null or sync = $1) and ($2::text is null or code = $2)',
      [options.sync ?? null, options.code ?? null],
    )
    return rows[0]!.rows
  })
}
