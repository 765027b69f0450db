import type { FaultStatus } from '@sluice/core/faults'
import type { RunStatus } from '@sluice/core/run/runReport'

/** Interfaces §3. */
export const exitCode = {
  done: 0,
  bug: 1,
  wrongUsage: 2,
  configError: 3,
  partial: 4,
  error: 5,
  limitExceeded: 6,
  cancelled: 7,
  refused: 8,
  /** As shells have it: ended by Ctrl-C. */
  interrupted: 130,
} as const

export function exitCodeOf(status: RunStatus | FaultStatus): number {
  switch (status) {
    case 'success':
    case 'running':
    case 'paused':
      return exitCode.done
    case 'partial':
      return exitCode.partial
    case 'error':
      return exitCode.error
    case 'config_error':
      return exitCode.configError
    case 'limit_exceeded':
      return exitCode.limitExceeded
    case 'cancelled':
      return exitCode.cancelled
  }
}
