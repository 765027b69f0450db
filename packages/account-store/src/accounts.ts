import type pg from 'pg'
import type { Db } from './openStore.ts'
import { withStoreFaults } from './storeFaults.ts'

export interface Account {
  id: string
  name: string
  /** JSON text of the object, numbers exactly as stored: parsing it would lose digits. */
  attributesJson: string
  /** ISO. */
  createdAt: string
  /** The source's exact text; null for accounts from files. */
  updatedAt: string | null
  /** ISO. */
  syncedAt: string
}

const columns = `id, name, attributes::text as "attributesJson", created_at as "createdAt", updated_at as "updatedAt", synced_at as "syncedAt"`

export async function readAccount(db: Db, id: string): Promise<Account | undefined> {
  // No account has such an id, and PostgreSQL would refuse the text.
  if (id.includes('\0')) return undefined
  return withStoreFaults(async () => {
    const { rows } = await db.query<AccountRow>(`select ${columns} from sluice.account where id = $1`, [id])
    return rows[0] && account(rows[0])
  })
}

/** In the order of the ids' bytes. `after`: the last id seen. */
export async function listAccounts(db: Db, options: { after?: string; limit: number }): Promise<Account[]> {
  return withStoreFaults(async () => {
    const { rows } = await db.query<AccountRow>(
      `select ${columns} from sluice.account where ($1::text is null or id > $1) order by id limit $2`,
      [options.after ?? null, options.limit],
    )
    return rows.map(account)
  })
}

/** All accounts as they are at one moment, in flat memory. */
export async function* exportAccounts(pool: pg.Pool): AsyncGenerator<Account> {
  const client = await withStoreFaults(() => pool.connect())
  let broken: Error | undefined
  const onError = (error: Error): void => {
    broken = error
  }
  client.on('error', onError)
  try {
    await withStoreFaults(() => client.query('begin isolation level repeatable read read only'))
    await withStoreFaults(() =>
      client.query(`declare accounts no scroll cursor for select ${columns} from sluice.account order by id`),
    )
    for (;;) {
      const { rows } = await withStoreFaults(() => client.query<AccountRow>('fetch 5000 from accounts'))
      if (rows.length === 0) return
      for (const row of rows) yield account(row)
    }
  } finally {
    await client.query('rollback').catch((error: Error) => {
      broken = error
    })
    client.off('error', onError)
    client.release(broken)
  }
}

export async function countAccounts(db: Db): Promise<number> {
  return withStoreFaults(async () => {
    const { rows } = await db.query<{ accounts: number }>('select count(*) as accounts from sluice.account')
    return rows[0]!.accounts
  })
}

/** Interfaces §4: one JSON document. */
export function accountJson(account: Account): string {
  const text = (value: string | null): string => JSON.stringify(value)
  return `{"id":${text(account.id)},"name":${text(account.name)},"attributes":${account.attributesJson},"created_at":${text(account.createdAt)},"updated_at":${text(account.updatedAt)},"synced_at":${text(account.syncedAt)}}`
}

type AccountRow = Omit<Account, 'createdAt' | 'syncedAt'> & { createdAt: Date; syncedAt: Date }

function account(row: AccountRow): Account {
  return { ...row, createdAt: row.createdAt.toISOString(), syncedAt: row.syncedAt.toISOString() }
}
