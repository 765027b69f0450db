import { expect, test } from 'vitest'
import { waitingActivity } from './waitingActivity.ts'

const now = Date.UTC(2026, 0, 1, 12)
const at = (ms: number) => ({ seconds: Math.floor((now + ms) / 1000), nanos: 0 }) as never
const failure = {
  message: 'The account store cannot be reached.',
  applicationFailureInfo: { type: 'store_unavailable' },
}
const scheduled = 1
const started = 2

const activity = (fields: object) => ({ activityType: { name: 'apply' }, attempt: 1, ...fields })
const seen = (pendingActivities: object[], rest: object = {}) =>
  waitingActivity({ pendingActivities, ...rest } as never, now)

test('§7: a failed activity shows as waiting, with the last failure and the next attempt', () => {
  expect(
    seen([activity({ state: scheduled, attempt: 4, lastFailure: failure, nextAttemptScheduleTime: at(8000) })]),
  ).toEqual({
    code: 'store_unavailable',
    sentence: 'The account store cannot be reached.',
    attempt: 3,
    next_attempt_at: '2026-01-01T12:00:08.000Z',
  })
})

test('of several the one that failed most often is told', () => {
  expect(
    seen([
      activity({ state: scheduled, attempt: 2, lastFailure: failure }),
      activity({ state: scheduled, attempt: 5, lastFailure: failure }),
    ])?.attempt,
  ).toBe(4)
})

test('an activity that is being tried does not wait', () => {
  expect(seen([activity({ state: started, attempt: 4, lastFailure: failure })])).toBeUndefined()
  expect(seen([])).toBeUndefined()
})

test('what no worker takes up waits for a worker', () => {
  expect(seen([activity({ state: scheduled, scheduledTime: at(-1000) })])).toBeUndefined()
  expect(seen([activity({ state: scheduled, scheduledTime: at(-6000) })])?.code).toBe('worker_missing')
  expect(seen([], { pendingWorkflowTask: { scheduledTime: at(-6000) } })?.code).toBe('worker_missing')
})
