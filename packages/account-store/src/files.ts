import type { Db } from './openStore.ts'
import { withStoreFaults } from './storeFaults.ts'

/** §6: a file that was applied whole. */
export interface KnownFile {
  etag: string
  version: string
}

/** Those of the keys that were applied by this sync. */
export async function readKnownFiles(db: Db, sync: string, keys: string[]): Promise<Map<string, KnownFile>> {
  return withStoreFaults(async () => {
    const { rows } = await db.query<KnownFile & { key: string }>(
      'select key, etag, version from sluice.file where sync = $1 and key = any($2::text[])',
      [sync, keys],
    )
    return new Map(rows.map(({ key, ...file }) => [key, file]))
  })
}
