/**
 * - connecting: claims the sync, or waits to
 * - running: a segment is extracted and applied
 * - pausing: extract has been told to stop; batches in flight are applied and committed
 * - paused: nothing runs, no query is open
 * - finishing: batches in flight are applied and committed, then the end of the run is written
 * - done
 */
export type RunPhase = 'connecting' | 'running' | 'pausing' | 'paused' | 'finishing' | 'done'

/**
 * - pause, resume: a person's signals, at any time, in any order, any number of times
 * - claimed: the sync is this run's
 * - stoodStill: everything in flight is applied and committed, and the store says paused
 * - ended: nothing is left to read, or a fault or a cancellation ends the run
 * - finished: the end of the run is written
 */
export type RunEvent = 'pause' | 'resume' | 'claimed' | 'stoodStill' | 'ended' | 'finished'

/** Every phase × every event. `ignored`: the phase stays. */
export const transitions: Record<RunPhase, Record<RunEvent, RunPhase | 'ignored'>> = {
  connecting: {
    pause: 'pausing',
    resume: 'ignored',
    claimed: 'running',
    stoodStill: 'ignored',
    ended: 'finishing',
    finished: 'done',
  },
  running: {
    pause: 'pausing',
    resume: 'ignored',
    claimed: 'ignored',
    stoodStill: 'ignored',
    ended: 'finishing',
    finished: 'ignored',
  },
  // A resume connects again, so that the schema then in force is the one that counts.
  pausing: {
    pause: 'ignored',
    resume: 'connecting',
    claimed: 'ignored',
    stoodStill: 'paused',
    ended: 'finishing',
    finished: 'done',
  },
  paused: {
    pause: 'ignored',
    resume: 'connecting',
    claimed: 'ignored',
    stoodStill: 'ignored',
    ended: 'finishing',
    finished: 'ignored',
  },
  finishing: {
    pause: 'ignored',
    resume: 'ignored',
    claimed: 'ignored',
    stoodStill: 'ignored',
    ended: 'ignored',
    finished: 'done',
  },
  done: {
    pause: 'ignored',
    resume: 'ignored',
    claimed: 'ignored',
    stoodStill: 'ignored',
    ended: 'ignored',
    finished: 'ignored',
  },
}
