/** What a worker's bundle holds: every workflow type. */
export { syncRun } from './syncRun.ts'
