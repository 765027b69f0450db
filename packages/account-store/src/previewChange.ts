import type { Db } from './openStore.ts'
import { withStoreFaults } from './storeFaults.ts'

/** What an account holds, as far as a change can tell. */
export interface AccountContent {
  name: string
  attributesJson: string
}

/** The columns of core's `changeColumns`, as they stand there. */
export interface UpsertChange {
  name: string
  set: string
  remove: string | null
  deep: string | null
}

/** What one upsert would make of an account; `undefined` for one that does not exist. Writes nothing. */
export async function previewUpsert(
  db: Db,
  before: AccountContent | undefined,
  change: UpsertChange,
): Promise<AccountContent> {
  return withStoreFaults(async () => {
    const { rows } = await db.query<{ attributesJson: string }>(
      'select sluice.changed($1::jsonb, $2, $3::text[], $4)::text as "attributesJson"',
      [before?.attributesJson ?? '{}', change.set, change.remove, change.deep],
    )
    return { name: change.name, attributesJson: rows[0]!.attributesJson }
  })
}

/** Numbers are equal as decimals: 0.10 and 0.1 are the same. */
export async function sameContent(db: Db, a: AccountContent, b: AccountContent): Promise<boolean> {
  return withStoreFaults(async () => {
    const { rows } = await db.query<{ same: boolean }>('select $1::jsonb = $2::jsonb as same', [
      a.attributesJson,
      b.attributesJson,
    ])
    return a.name === b.name && rows[0]!.same
  })
}
