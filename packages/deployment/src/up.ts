import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { SluiceError } from '@sluice/core/faults'
import { type Home, homeOf, makeHome } from './home.ts'
import { lockHome } from './homeLock.ts'
import { choosePort, isFree, type PortWish } from './ports.ts'
import { startPostgres, stopPostgres } from './postgres.ts'
import { identifyProcess } from './processIdentity.ts'
import { readPidFile } from './serverProcess.ts'
import { type DeploymentState, readState, withoutTemporal, writeState } from './state.ts'
import { type Server, type Supervised, supervise } from './supervise.ts'
import { startTemporal, stopTemporal } from './temporal.ts'
import { startWorker, stopWorker } from './worker.ts'

export type PortName = keyof DeploymentState['ports']

const ports = {
  postgres: { of: 'PostgreSQL', usual: 15432, variable: 'SLUICE_POSTGRES_PORT', flag: '--postgres-port' },
  temporal: { of: 'Temporal', usual: 7233, variable: 'SLUICE_TEMPORAL_PORT', flag: '--temporal-port' },
  temporalUi: { of: 'the Temporal UI', usual: 8233, variable: 'SLUICE_TEMPORAL_UI_PORT', flag: '--temporal-ui-port' },
} as const satisfies Record<PortName, { of: string; usual: number; variable: string; flag: string }>

export interface DeploymentOptions {
  /** See `homeFolder`. */
  home: string
  /** SLUICE_STORE_URL and TEMPORAL_ADDRESS name servers that are there already; SLUICE_STAGE, SLUICE_*_PORT. */
  env: NodeJS.ProcessEnv
  /** Asked for by flag: these or none. */
  ports?: Partial<Record<PortName, number>>
  /** Progress, one line each. */
  say(line: string): void
  /**
   * Called when the servers stand and before the worker starts: migrate the store, make the demo.
   * @returns what the worker and later commands shall have in their environment besides
   */
  prepare?(env: Record<string, string>): Promise<Record<string, string>>
  /** Absent: the worker as built. */
  workerCommand?: { command: string; args: string[] }
  /** Aborts a start that is under way; what has been started is ended. */
  signal?: AbortSignal
}

export interface Deployment {
  /** What a command needs in its environment to find it; see `RunningUp`. */
  env: Record<string, string>
  /** Ends worker, Temporal and PostgreSQL, in this order, and gives the home back. Idempotent. */
  stop(hurry?: AbortSignal): Promise<void>
}

/**
 * Starts what is not configured elsewhere: PostgreSQL, a Temporal dev server, the worker; all on 127.0.0.1.
 * Servers that end by themselves are started again. What an `up` that was killed left running is ended first.
 * @throws SluiceError `home_unusable`, `up_running`, `port_invalid`, `port_busy`, `server_failed`, `temporal_missing`, and what `prepare` throws
 */
export async function startDeployment(options: DeploymentOptions): Promise<Deployment> {
  const { env, say, signal } = options
  const home = homeOf(options.home)
  makeHome(home)
  const unlock = lockHome(home)
  const running: Stoppable[] = []
  const stop = async (hurry?: AbortSignal) => {
    for (let server = running.pop(); server; server = running.pop()) await server.stop(hurry)
    try {
      writeState(home, { ports: readState(home).ports })
    } finally {
      unlock()
    }
  }
  const keep = <S extends Stoppable>(server: S): S => {
    running.push(server)
    return server
  }

  try {
    await endForgottenServers(home, say)
    await lookAtAskedPorts(home, options)
    // Both take their time to start, and neither needs the other.
    const [store, temporal] = await bothEnded(
      env.SLUICE_STORE_URL ? undefined : startStore(home, options).then(keep),
      env.TEMPORAL_ADDRESS ? undefined : startTemporalServer(home, options).then(keep),
    )
    signal?.throwIfAborted()
    const found: Record<string, string> = {
      SLUICE_STORE_URL: store?.server.url ?? env.SLUICE_STORE_URL!,
      SLUICE_STAGE: env.SLUICE_STAGE || pathToFileURL(home.stage).href,
      TEMPORAL_ADDRESS: temporal?.server.address ?? env.TEMPORAL_ADDRESS!,
      TEMPORAL_NAMESPACE: temporal?.server.namespace ?? (env.TEMPORAL_NAMESPACE || 'default'),
      ...(temporal && { SLUICE_TEMPORAL_UI_URL: temporal.server.uiUrl }),
    }
    Object.assign(found, await options.prepare?.(found))
    signal?.throwIfAborted()

    const worker = () =>
      startWorker({
        ...(options.workerCommand ?? builtWorker),
        env: { ...(temporal ? withoutTemporal(env) : env), ...found },
        logFile: home.log('worker'),
        pidFile: home.pid('worker'),
      })
    say('starting the worker')
    keep(await supervise('The worker', worker, say))
    signal?.throwIfAborted()

    writeState(home, {
      ports: readState(home).ports,
      up: { process: identifyProcess(process.pid)!, startedAt: new Date().toISOString(), env: found },
    })
    return { env: found, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

interface Stoppable {
  stop(hurry?: AbortSignal): Promise<void>
}

const builtWorker = {
  command: process.execPath,
  args: ['--enable-source-maps', path.resolve(import.meta.dirname, '../../../apps/worker/dist/main.js')],
}

/** An `up` that was killed alone leaves its servers running: they are ended, the worker first. */
async function endForgottenServers(home: Home, say: (line: string) => void): Promise<void> {
  const stops = { worker: stopWorker, temporal: stopTemporal, postgres: stopPostgres }
  for (const [name, stop] of Object.entries(stops)) {
    const forgotten = readPidFile(home.pid(name))
    if (!forgotten) continue
    say(`ending ${name} (process ${forgotten.pid}), left behind by an earlier \`up\``)
    await stop(forgotten)
  }
}

async function startStore(home: Home, options: DeploymentOptions) {
  options.say('starting PostgreSQL')
  const start = ({ postgres }: Ports<'postgres'>) =>
    startPostgres({
      folder: home.postgres,
      port: postgres,
      logFile: home.log('postgres'),
      pidFile: home.pid('postgres'),
      say: options.say,
    })
  return superviseOnPorts('PostgreSQL', { home, names: ['postgres'], start, options })
}

async function startTemporalServer(home: Home, options: DeploymentOptions) {
  options.say('starting Temporal')
  const start = ({ temporal, temporalUi }: Ports<'temporal' | 'temporalUi'>) =>
    startTemporal({
      port: temporal,
      uiPort: temporalUi,
      databaseFile: home.temporalDatabase,
      logFile: home.log('temporal'),
      pidFile: home.pid('temporal'),
      say: options.say,
    })
  return superviseOnPorts('Temporal', { home, names: ['temporal', 'temporalUi'], start, options })
}

type Ports<N extends PortName> = Record<N, number>

/** Starts a server on the ports asked for, else those of last time, else the usual ones, else free ones. */
async function superviseOnPorts<N extends PortName, S extends Server>(
  name: string,
  {
    home,
    names,
    start,
    options,
  }: { home: Home; names: N[]; start(ports: Ports<N>): Promise<S>; options: DeploymentOptions },
): Promise<Supervised<S>> {
  for (let attempt = 1; ; attempt++) {
    const chosen = {} as Ports<N>
    for (const name of names) chosen[name] = await choosePort(wishFor(name, home, options), options.say)
    try {
      const server = await supervise(name, () => start(chosen), options.say)
      const state = readState(home)
      writeState(home, { ...state, ports: { ...state.ports, ...chosen } })
      return server
    } catch (error) {
      // Another start on this machine can take a port between our look and the server's own.
      const stillFree = await Promise.all(names.map((name) => isFree(chosen[name])))
      if (attempt === 3 || stillFree.every(Boolean)) throw error
    }
  }
}

/** All of them before anything starts: a first start takes long, and would be for nothing. */
async function lookAtAskedPorts(home: Home, options: DeploymentOptions): Promise<void> {
  const names: PortName[] = [
    ...(options.env.SLUICE_STORE_URL ? [] : (['postgres'] as const)),
    ...(options.env.TEMPORAL_ADDRESS ? [] : (['temporal', 'temporalUi'] as const)),
  ]
  const wishes = names.map((name) => wishFor(name, home, options))
  for (const wish of wishes) if (wish.asked !== undefined) await choosePort(wish, options.say)
}

function wishFor(name: PortName, home: Home, { env, ports: flags }: DeploymentOptions): PortWish {
  const { of, usual, variable, flag } = ports[name]
  return {
    of,
    asked: flags?.[name] ?? parsePort(variable, env[variable]),
    askedBy: `${flag} or ${variable}`,
    preferred: readState(home).ports[name] ?? usual,
  }
}

function parsePort(variable: string, text: string | undefined): number | undefined {
  if (!text) return undefined
  const port = Number(text)
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port
  throw new SluiceError('port_invalid', `${variable} is ${JSON.stringify(text)}.`)
}

/** Waits for both also when one fails, so that what has been started can be ended. */
async function bothEnded<A, B>(
  a: Promise<A> | undefined,
  b: Promise<B> | undefined,
): Promise<[A | undefined, B | undefined]> {
  const [first, second] = await Promise.allSettled([a, b])
  if (first.status === 'rejected') throw first.reason
  if (second.status === 'rejected') throw second.reason
  return [first.value, second.value]
}
