import type { SyncRunActivities } from '@sluice/workflows/activities'

/** What an activity is about to do, or has just done, at the seams of the worker: store, stage and filter threads. */
type Step = 'begin' | 'commit' | 'stage' | 'unstage' | 'read' | 'filter'

/** Such as `apply before commit`. */
export type Point = `${keyof SyncRunActivities} ${'before' | 'after'} ${Step}`

/**
 * What happens to a worker at a point, the `nth` time (from 1) that it comes by:
 * - kill: SIGKILL
 * - freeze: SIGSTOP, until it is thawed
 * - hold: it says so and waits until it is let go
 * - truncate, flip, lose: damages the staged object that is about to be read
 */
export interface Disturbance {
  point: Point
  nth: number
  act: 'kill' | 'freeze' | 'hold' | 'truncate' | 'flip' | 'lose'
}
