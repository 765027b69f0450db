import type { Db } from './openStore.ts'
import { withStoreFaults } from './storeFaults.ts'

/** §10. */
export interface Usage {
  accounts: number
  /** Of id, name and attributes as JSON text, in UTF-8. */
  bytes: number
}

/** As the batches kept it: exact after every one. */
export async function readUsage(db: Db): Promise<Usage> {
  return one(db, 'select accounts, bytes from sluice.usage')
}

/** Counted anew from the accounts themselves. Reads all of them. */
export async function recountUsage(db: Db): Promise<Usage> {
  return one(
    db,
    `select count(*) as accounts,
       coalesce(sum(octet_length(id) + octet_length(name) + octet_length(attributes::text)), 0) as bytes
     from sluice.account`,
  )
}

async function one(db: Db, statement: string): Promise<Usage> {
  return withStoreFaults(async () => (await db.query<Usage>(statement)).rows[0]!)
}
