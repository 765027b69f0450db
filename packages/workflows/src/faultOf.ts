import { type FaultCode, type FaultReport, faults } from '@sluice/core/faults'
import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/common'
import type { RunFault } from './runState.ts'

/** Why an activity failed for good, in the words of the catalogue. The worker puts a FaultReport into each failure. */
export function faultOf(error: unknown): RunFault {
  const activity = error instanceof ActivityFailure ? error.activityType : undefined
  let timeout: TimeoutFailure | undefined
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ApplicationFailure && cause.type && Object.hasOwn(faults, cause.type)) {
      const code = cause.type as FaultCode
      return { code, report: (cause.details?.[0] as FaultReport | undefined) ?? reportOf(code) }
    }
    if (cause instanceof TimeoutFailure) timeout ??= cause
  }
  if (timeout)
    return {
      code: 'internal',
      report: reportOf('internal', `${activity ?? 'An activity'} timed out (${timeout.timeoutType}).`),
    }
  return { code: 'internal', report: reportOf('internal') }
}

export function reportOf(code: FaultCode, detail?: string): FaultReport {
  const { sentence, remedy } = faults[code]
  return { code, sentence: detail === undefined ? sentence : `${sentence} ${detail}`, remedy }
}
