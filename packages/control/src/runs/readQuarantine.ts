import { countQuarantine, listQuarantine, type QuarantinedRow } from '@sluice/account-store/quarantine'
import { rejections } from '@sluice/core/rows/rejection'
import { nearest } from '../config/nearest.ts'
import { Refusal } from '../refusal.ts'
import type { Store } from '../services.ts'
import { knownSync } from './knownSync.ts'

/** Newest first, and how many there are in all. @throws SluiceError `sync_missing`; Refusal `code_unknown` */
export async function readQuarantine(
  store: Store,
  { sync, code, limit }: { sync?: string; code?: string; limit: number },
): Promise<{ rows: QuarantinedRow[]; total: number }> {
  if (sync !== undefined) await knownSync(store, sync)
  if (code !== undefined && !(code in rejections)) {
    const meant = nearest(code, Object.keys(rejections))
    throw new Refusal('wrong_usage', 'code_unknown', {
      sentence: `No row is ever rejected with the code ${JSON.stringify(code)}.`,
      remedy: meant ? `Did you mean ${meant}?` : `The codes are ${Object.keys(rejections).join(', ')}.`,
    })
  }
  const which = { ...(sync !== undefined && { sync }), ...(code !== undefined && { code }) }
  return { rows: await listQuarantine(store, { ...which, limit }), total: await countQuarantine(store, which) }
}
