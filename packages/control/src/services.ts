import type { openStore } from '@sluice/account-store/openStore'
import type { Client } from '@temporalio/client'

export type Store = ReturnType<typeof openStore>

/** What the verbs of this package act upon. Opened and closed by the caller. */
export interface Services {
  store: Store
  temporal: Client
}
