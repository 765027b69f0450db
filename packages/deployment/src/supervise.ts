import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerProcess } from './serverProcess.ts'

const backOffMaxMs = 30_000
/** A server that lived this long has recovered: the next back-off begins anew. */
const steadyMs = 60_000

export interface Server {
  process: ServerProcess
  stop(hurry?: AbortSignal): Promise<void>
}

export interface Supervised<S extends Server> {
  /** As it was first started; a restarted one has the same addresses. */
  server: S
  stop(hurry?: AbortSignal): Promise<void>
}

/**
 * Starts a server and starts it again, with back-off, whenever it ends by itself.
 * @throws whatever the first start throws
 */
export async function supervise<S extends Server>(
  name: string,
  start: () => Promise<S>,
  say: (line: string) => void,
): Promise<Supervised<S>> {
  const first = await start()
  const stopping = new AbortController()
  let current: Server = first

  const watching = (async () => {
    let backOffMs = 1_000
    for (;;) {
      const startedAt = Date.now()
      const end = await Promise.race([current.process.ended, aborted(stopping.signal)])
      if (end === undefined) return
      say(`${name} ended (${end}); starting it again`)
      if (Date.now() - startedAt > steadyMs) backOffMs = 1_000
      for (let up = false; !up; ) {
        await sleep(backOffMs, undefined, { signal: stopping.signal }).catch(() => {})
        if (stopping.signal.aborted) return
        backOffMs = Math.min(backOffMs * 2, backOffMaxMs)
        try {
          current = await start()
          up = true
        } catch (error) {
          say(error instanceof Error ? error.message : String(error))
        }
      }
    }
  })()

  return {
    server: first,
    async stop(hurry) {
      stopping.abort()
      await watching
      await current.stop(hurry)
    },
  }
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}
