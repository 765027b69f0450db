import { SluiceError } from '@sluice/core/faults'
import { ApplicationFailure, Context } from '@temporalio/activity'
import type { Logger } from 'pino'
import { framesOf, toApplicationFailure } from './toApplicationFailure.ts'

/** Well below the heartbeat time-out of 15 s: a busy main thread must not look like a dead one. */
const heartbeatMs = 2000

/** What an activity tells with each heartbeat, for people who look at Pending Activities. */
export interface Heartbeat {
  details?: () => { rows: number }
}

/**
 * Wraps what every activity needs: heartbeats on a timer, by which Temporal knows that the worker lives and the activity
 * learns that it was cancelled; and faults that Temporal and people understand, logged where they are handled: here.
 */
export function activity<Input, Output>(
  log: Logger,
  work: (input: Input, context: Context, heartbeat: Heartbeat) => Promise<Output>,
): (input: Input) => Promise<Output> {
  return async (input) => {
    const context = Context.current()
    const heartbeat: Heartbeat = {}
    const timer = setInterval(() => context.heartbeat(heartbeat.details?.()), heartbeatMs)
    try {
      return await work(input, context, heartbeat)
    } catch (error) {
      // Whatever a driver says when its query is broken off, the reason was the cancellation.
      if (context.cancellationSignal.aborted) throw cancellation(context.cancellationSignal.reason)
      const { activityType, attempt, workflowExecution } = context.info
      const failure = toApplicationFailure(error, attempt)
      log.warn(
        {
          activity: activityType,
          attempt,
          workflowId: workflowExecution?.workflowId,
          runId: workflowExecution?.runId,
          code: failure.type,
          sentence: failure.message,
          retried: !failure.nonRetryable,
          ...(error instanceof SluiceError && error.code !== 'internal' ? {} : { frames: framesOf(error) }),
        },
        'activity failed',
      )
      throw failure
    } finally {
      clearInterval(timer)
    }
  }
}

/** A worker that shuts down hands over at once: without a failure, the next attempt would wait for the heartbeat's time-out. */
function cancellation(reason: unknown): unknown {
  if (!(reason instanceof Error && reason.message === 'WORKER_SHUTDOWN')) return reason
  return ApplicationFailure.create({
    type: 'WorkerShutdown',
    message: 'The worker shuts down; another one goes on.',
    nextRetryDelay: '100ms',
  })
}
