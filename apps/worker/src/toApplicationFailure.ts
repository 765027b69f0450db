import { type FaultReport, faults, reportFault, SluiceError } from '@sluice/core/faults'
import { ApplicationFailure } from '@temporalio/common'

/** Errors that nobody foresaw are tried so often. */
const unknownAttemptsMax = 5

/**
 * The one place that speaks of faults to Temporal: type = code, message = sentence and remedy, details = the FaultReport.
 * What a person must mend is not retried; neither is a damaged staged batch, which the workflow has read again.
 *
 * Histories are read by many: of an error that is not ours nothing but its class passes, for its message, its cause and
 * its stack may quote a row.
 */
export function toApplicationFailure(error: unknown, attempt: number): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error
  const known = error instanceof SluiceError
  const report: FaultReport = known
    ? reportFault(error)
    : { code: 'internal', sentence: `${faults.internal.sentence} (${classOf(error)})`, remedy: faults.internal.remedy }
  const bounded = !known || error.code === 'internal'
  const failure = ApplicationFailure.create({
    type: report.code,
    message: `${report.sentence} ${report.remedy}`,
    nonRetryable: bounded
      ? attempt >= unknownAttemptsMax
      : error.fault.remedyBy === 'person' || error.code === 'stage_corrupt',
    details: [report],
  })
  failure.stack = ''
  return failure
}

function classOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  const code = (error as { code?: unknown }).code
  return typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code) ? `${error.name} ${code}` : error.name
}

/** For the worker's own log: the frames of the stack without the message, which may quote a row. */
export function framesOf(error: unknown): string[] {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  return stack
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('at '))
    .slice(0, 12)
}
