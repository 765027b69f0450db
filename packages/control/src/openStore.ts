export { migrate } from '@sluice/account-store/migrate'
export { openStore } from '@sluice/account-store/openStore'
