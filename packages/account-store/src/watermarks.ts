import type { Db } from './openStore.ts'
import { withStoreFaults } from './storeFaults.ts'

/** Interfaces §4: `watermark show`. */
export interface Watermark {
  sync: string
  updated_at: string
  rows_at_updated_at: number
  moved_at: string
  by: string
}

/** Absent: the sync has not committed anything yet, or reads files. */
export async function readWatermark(db: Db, sync: string): Promise<Watermark | undefined> {
  return withStoreFaults(async () => {
    const { rows } = await db.query<Omit<Watermark, 'moved_at'> & { moved_at: Date }>(
      'select sync, updated_at, rows_at_updated_at, moved_at, moved_by as by from sluice.watermark where sync = $1',
      [sync],
    )
    return rows[0] && { ...rows[0], moved_at: rows[0].moved_at.toISOString() }
  })
}
