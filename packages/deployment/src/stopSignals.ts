/** A Ctrl-C may come twice, from the terminal and from `npm` or the launcher: within this time it counts once. */
export const sameSignalMs = 1_000

export interface StopSignals {
  /** Aborted at the first SIGINT, SIGTERM or SIGHUP: stop in order. */
  stop: AbortSignal
  /** Aborted at the second: do not wait any longer. */
  hurry: AbortSignal
  /** Gives the signals back to the system. */
  release(): void
}

export function listenForStopSignals(): StopSignals {
  const stop = new AbortController()
  const hurry = new AbortController()
  let firstAt: number | undefined
  const onSignal = () => {
    if (firstAt === undefined) {
      firstAt = performance.now()
      stop.abort()
    } else if (performance.now() - firstAt > sameSignalMs) {
      hurry.abort()
    }
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, onSignal)
  return {
    stop: stop.signal,
    hurry: hurry.signal,
    release: () => {
      for (const signal of signals) process.off(signal, onSignal)
    },
  }
}
