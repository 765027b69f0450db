import { spawn } from 'node:child_process'
import { closeSync, fstatSync, openSync, readFileSync, readSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { identifyProcess, isAlive, type ProcessIdentity } from './processIdentity.ts'

/** A log that has grown past this is set aside as `<name>.1` at the next start. */
const logBytesMax = 16 * 1024 * 1024

export interface ServerCommand {
  command: string
  args: string[]
  env?: NodeJS.ProcessEnv
  cwd?: string
  /** Takes standard output and standard error. */
  logFile: string
  /** Remembers the process while it lives, so that it can be found and ended should its parent be killed. */
  pidFile: string
  /** Runs as this user and group; absent: as ourselves. */
  user?: { uid: number; gid: number }
}

export interface ServerProcess {
  identity: ProcessIdentity
  /** Fulfilled with `exit code 1` or `SIGKILL` when the process has ended. */
  ended: Promise<string>
  /** What this process has logged so far, at most its last 64 KiB. */
  readLog(): string
}

/**
 * Starts a server in a process group of its own, so that a Ctrl-C in the terminal does not reach it: who started it
 * stops it, in order. It writes its own log file, so it does not depend on the life of its parent.
 */
export async function startServerProcess(server: ServerCommand): Promise<ServerProcess> {
  setAsideLargeLog(server.logFile)
  const log = openSync(server.logFile, 'a', 0o600)
  const logStart = fstatSync(log).size
  const child = spawn(server.command, server.args, {
    cwd: server.cwd,
    env: server.env ?? process.env,
    stdio: ['ignore', log, log],
    detached: true,
    ...server.user,
  })
  closeSync(log)
  const ended = new Promise<string>((resolve) =>
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`)),
  )
  await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject))
  const pid = child.pid!
  const identity = identifyProcess(pid) ?? { pid, started: 'ended at once' }
  writeFileSync(server.pidFile, JSON.stringify(identity))
  return {
    identity,
    ended,
    readLog: () => readTail(server.logFile, logStart),
  }
}

/** The process that a pid file remembers, if it still lives. */
export function readPidFile(file: string): ProcessIdentity | undefined {
  try {
    const identity = JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity
    return isAlive(identity) ? identity : undefined
  } catch {
    return undefined
  }
}

/**
 * Ends a process that we or an earlier, killed `up` started, and returns when it is gone.
 * @param signals sent one after the other, each with the time it is given; SIGKILL to its whole group follows.
 * @param hurry once aborted, no more time is given.
 */
export async function stopProcess(
  identity: ProcessIdentity,
  signals: ReadonlyArray<readonly [signal: NodeJS.Signals, waitMs: number]>,
  hurry?: AbortSignal,
): Promise<void> {
  for (const [signal, waitMs] of signals) {
    if (!isAlive(identity)) return
    send(identity.pid, signal)
    const deadline = Date.now() + waitMs
    while (isAlive(identity) && Date.now() < deadline && !hurry?.aborted) await sleep(20)
  }
  if (!isAlive(identity)) return
  send(-identity.pid, 'SIGKILL')
  while (isAlive(identity)) await sleep(20)
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function setAsideLargeLog(file: string): void {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > logBytesMax) renameSync(file, `${file}.1`)
}

function readTail(file: string, from: number): string {
  const fd = openSync(file, 'r')
  try {
    const end = fstatSync(fd).size
    const start = Math.max(from, end - 65_536)
    const buffer = Buffer.alloc(Math.max(0, end - start))
    return buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, start))
  } finally {
    closeSync(fd)
  }
}
