export { readUsage, recountUsage } from '@sluice/account-store/usage'
