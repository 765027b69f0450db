import type { WorkflowExecutionDescription } from '@temporalio/client'

/** Why a run does not go on just now. */
export interface Waiting {
  /** Of the last failure, if there was one. */
  code?: string
  sentence: string
  /** The attempt that failed last. */
  attempt?: number
  /** ISO. */
  next_attempt_at?: string
}

/** After so long an activity that no worker has taken up is worth telling. */
const unclaimedMs = 5000

type Raw = WorkflowExecutionDescription['raw']

/** What an open run waits for, as Temporal tells it: a failed activity before its next attempt, or a worker. Pure. */
export function waitingActivity({ pendingActivities, pendingWorkflowTask }: Raw, nowMs: number): Waiting | undefined {
  const failed = (pendingActivities ?? [])
    // 1: scheduled, that is, not being tried at this moment.
    .filter((activity) => activity.state === 1 && activity.lastFailure)
    .sort((a, b) => (b.attempt ?? 0) - (a.attempt ?? 0))[0]
  if (failed?.lastFailure) {
    const code = failed.lastFailure.applicationFailureInfo?.type
    const next = milliseconds(failed.nextAttemptScheduleTime ?? failed.scheduledTime)
    return {
      ...(code && { code }),
      sentence: failed.lastFailure.message || 'It failed without a word.',
      attempt: Math.max(1, (failed.attempt ?? 1) - 1),
      ...(next !== undefined && { next_attempt_at: new Date(next).toISOString() }),
    }
  }
  for (const activity of pendingActivities ?? []) {
    const since = milliseconds(activity.scheduledTime)
    if (activity.state === 1 && since !== undefined && nowMs - since > unclaimedMs)
      return {
        code: 'worker_missing',
        sentence: `No worker has taken up \`${activity.activityType?.name}\` yet. Is one running? See \`sluice doctor\`.`,
      }
  }
  const since = milliseconds(pendingWorkflowTask?.scheduledTime)
  if (since !== undefined && nowMs - since > unclaimedMs)
    return { code: 'worker_missing', sentence: 'No worker answers. Is one running? See `sluice doctor`.' }
  return undefined
}

function milliseconds(time: { seconds?: unknown; nanos?: number | null } | null | undefined): number | undefined {
  if (!time?.seconds) return undefined
  return Number(String(time.seconds)) * 1000 + Math.floor((time.nanos ?? 0) / 1e6)
}
