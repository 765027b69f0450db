import { setTimeout as sleep } from 'node:timers/promises'
import { SluiceError } from '@sluice/core/faults'
import type { ProcessIdentity } from './processIdentity.ts'
import { type ServerProcess, startServerProcess, stopProcess } from './serverProcess.ts'

const readyTimeoutMs = 120_000

export interface WorkerOptions {
  command: string
  args: string[]
  env: NodeJS.ProcessEnv
  logFile: string
  pidFile: string
}

export interface Worker {
  process: ServerProcess
  /** Drains: activities are told to stop at their next safe point. Idempotent. */
  stop(hurry?: AbortSignal): Promise<void>
}

/** What the worker logs, as the message of a line of its own, once it takes work. */
const workerReady = 'worker ready'

/** @throws SluiceError `server_failed` when it ends, or says nothing, before it takes work. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const server = await startServerProcess(options)
  let end: string | undefined
  server.ended.then((how) => {
    end = how
  })
  const deadline = Date.now() + readyTimeoutMs
  while (!server.readLog().includes(workerReady)) {
    if (end !== undefined)
      throw new SluiceError(
        'server_failed',
        `The worker ended (${end}): ${lastWords(server.readLog())} Its log is ${options.logFile}.`,
      )
    if (Date.now() > deadline) {
      await stopWorker(server.identity)
      throw new SluiceError(
        'server_failed',
        `The worker was not ready after ${readyTimeoutMs / 1000} s: ${lastWords(server.readLog())} Its log is ${options.logFile}.`,
      )
    }
    await sleep(50)
  }
  return { process: server, stop: (hurry) => stopWorker(server.identity, hurry) }
}

/** The worker logs JSON, one event a line. */
function lastWords(log: string): string {
  const line = log.trim().split('\n').at(-1) ?? ''
  try {
    const { sentence, remedy = '', msg } = JSON.parse(line)
    return sentence ? `${sentence} ${remedy}`.trim() : `${msg}.`
  } catch {
    return line
  }
}

/** Also for a worker that an earlier, killed `up` left behind. */
export async function stopWorker(identity: ProcessIdentity, hurry?: AbortSignal): Promise<void> {
  await stopProcess(identity, [['SIGTERM', 60_000]], hurry)
}
