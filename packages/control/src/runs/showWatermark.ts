import { readWatermark, type Watermark } from '@sluice/account-store/watermarks'
import { Refusal } from '../refusal.ts'
import type { Store } from '../services.ts'
import { knownSync } from './knownSync.ts'

/** @throws SluiceError `sync_missing`; Refusal `watermark_missing` */
export async function showWatermark(store: Store, sync: string): Promise<Watermark> {
  const { definition } = await knownSync(store, sync)
  const watermark = await readWatermark(store, sync)
  if (watermark) return watermark
  throw new Refusal('wrong_usage', 'watermark_missing', {
    sentence:
      'prefix' in definition.source
        ? `The sync ${sync} reads files, which have no watermark: each file is applied once.`
        : `The sync ${sync} has no watermark yet: no run has committed anything.`,
    remedy:
      'prefix' in definition.source
        ? `See \`sluice run list --sync ${sync}\`.`
        : `Start one with \`sluice sync run ${sync} --wait\`.`,
  })
}
