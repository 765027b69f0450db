import { type Account, readAccount } from '@sluice/account-store/accounts'
import { Refusal } from '../refusal.ts'
import type { Store } from '../services.ts'

export { type Account, accountJson, countAccounts, exportAccounts, listAccounts } from '@sluice/account-store/accounts'

/** @throws Refusal `account_missing` */
export async function getAccount(store: Store, id: string): Promise<Account> {
  const account = await readAccount(store, id)
  if (!account)
    throw new Refusal('wrong_usage', 'account_missing', {
      sentence: `There is no account with the id ${JSON.stringify(id)}.`,
      remedy: 'Ids are exact: case and blanks count. See `sluice account list`.',
    })
  return account
}
