import { type DeployedSync, readSync } from '@sluice/account-store/deployment'
import { SluiceError } from '@sluice/core/faults'
import type { Store } from '../services.ts'

/** @throws SluiceError `sync_missing`, naming it */
export async function knownSync(store: Store, name: string): Promise<DeployedSync> {
  const sync = await readSync(store, name)
  if (!sync) throw new SluiceError('sync_missing', `Its name was given as ${JSON.stringify(name)}.`)
  return sync
}
