import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { SluiceError } from '@sluice/core/faults'
import type { ProcessIdentity } from './processIdentity.ts'
import { type ServerProcess, startServerProcess, stopProcess } from './serverProcess.ts'
import { findTemporalCli } from './temporalCli.ts'

const startTimeoutMs = 60_000
const namespace = 'default'
/** Run metadata is kept for 12 months in the store; histories, which are for looking into single runs, for less. */
const retention = '90d'

/** Interfaces §6. */
const searchAttributes = {
  SluiceSync: 'Keyword',
  SluiceSource: 'Keyword',
  SluiceStatus: 'Keyword',
  SluiceSchemaVersion: 'Int',
}

export interface TemporalOptions {
  /** On 127.0.0.1, as `uiPort`. */
  port: number
  uiPort: number
  /** SQLite file; absent: nothing outlives the server. */
  databaseFile?: string
  logFile: string
  pidFile: string
  /** Temporal's dynamic configuration: `{ 'limit.blobSize.error': 65536 }`. */
  dynamicConfig?: Record<string, unknown>
  say?: (line: string) => void
}

export interface TemporalServer {
  address: string
  namespace: string
  uiUrl: string
  /** Path of the `temporal` command that runs this server. */
  cli: string
  process: ServerProcess
  /** Returns when the process is gone, so that its database file can be opened again. Idempotent. */
  stop(hurry?: AbortSignal): Promise<void>
}

/**
 * Starts a Temporal dev server and returns once it answers and knows Sluice's search attributes.
 * @throws SluiceError `temporal_missing`, `server_failed`
 */
export async function startTemporal(options: TemporalOptions): Promise<TemporalServer> {
  const cli = await findTemporalCli(options.say)
  const address = `127.0.0.1:${options.port}`
  const server = await startServerProcess({
    command: cli,
    args: [
      ...[
        'server',
        'start-dev',
        '--ip',
        '127.0.0.1',
        '--port',
        String(options.port),
        '--ui-port',
        String(options.uiPort),
      ],
      ...['--namespace', namespace, '--log-level', 'warn', '--log-format', 'json'],
      ...(options.databaseFile ? ['--db-filename', options.databaseFile] : []),
      // Known from the first moment on a new database file; on an old one these flags are ignored.
      ...Object.entries(searchAttributes).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
      ...Object.entries(options.dynamicConfig ?? {}).flatMap(([key, value]) => [
        '--dynamic-config-value',
        `${key}=${JSON.stringify(value)}`,
      ]),
    ],
    env: cliEnv(),
    logFile: options.logFile,
    pidFile: options.pidFile,
  })
  await untilHealthy(server, { cli, address, namespace })
  return {
    address,
    namespace,
    uiUrl: `http://127.0.0.1:${options.uiPort}`,
    cli,
    process: server,
    stop: (hurry) => stopTemporal(server.identity, hurry),
  }
}

/** Also for a server that an earlier, killed `up` left behind. */
export async function stopTemporal(identity: ProcessIdentity, hurry?: AbortSignal): Promise<void> {
  await stopProcess(identity, [['SIGTERM', 20_000]], hurry)
}

/** Does nothing to those that exist. */
export async function registerSearchAttributes(of: NamespaceAddress): Promise<void> {
  const attributes = Object.entries(searchAttributes).flatMap(([name, type]) => ['--name', name, '--type', type])
  await operator(of, 'search-attribute', 'create', ...attributes)
}

interface NamespaceAddress {
  cli: string
  address: string
  namespace: string
}

async function operator({ cli, address, namespace }: NamespaceAddress, ...args: string[]): Promise<void> {
  const where = ['--address', address, '--namespace', namespace, '--command-timeout', '10s']
  await promisify(execFile)(cli, ['operator', ...args, ...where], { env: cliEnv() })
}

async function untilHealthy(server: ServerProcess, of: NamespaceAddress): Promise<void> {
  let end: string | undefined
  server.ended.then((how) => {
    end = how
  })
  const deadline = Date.now() + startTimeoutMs
  for (;;) {
    try {
      await registerSearchAttributes(of)
      await operator(of, 'namespace', 'update', '--retention', retention)
      return
    } catch (cause) {
      const lastWords = server.readLog().trim().split('\n').slice(-3).join(' ')
      if (end !== undefined) throw new SluiceError('server_failed', `Temporal ended (${end}): ${lastWords}`, { cause })
      if (Date.now() > deadline) {
        await stopTemporal(server.identity)
        throw new SluiceError(
          'server_failed',
          `Temporal was not healthy after ${startTimeoutMs / 1000} s: ${lastWords}`,
          { cause },
        )
      }
      await sleep(100)
    }
  }
}

/** The user's own TEMPORAL_* variables and profiles are for other clusters. */
function cliEnv(): NodeJS.ProcessEnv {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TEMPORAL_')))
  return { ...env, TEMPORAL_CONFIG_FILE: '/dev/null' }
}
