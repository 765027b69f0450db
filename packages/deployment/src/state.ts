import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { type Home, inHome } from './home.ts'
import { isAlive, type ProcessIdentity } from './processIdentity.ts'

/** What `up` leaves for other commands, and for the next `up`. */
export interface DeploymentState {
  /** Of the last start; the next one prefers them. */
  ports: { postgres?: number; temporal?: number; temporalUi?: number }
  /** Absent: nothing runs. */
  up?: RunningUp
}

export interface RunningUp {
  process: ProcessIdentity
  startedAt: string
  /**
   * What a command must have in its environment to find this deployment: SLUICE_STORE_URL, SLUICE_STAGE,
   * TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, SLUICE_TEMPORAL_UI_URL, and what `prepare` added. Holds passwords.
   */
  env: Record<string, string>
}

/**
 * A file that is missing, broken or of another shape is no state.
 * @throws SluiceError `home_unusable`
 */
export function readState(home: Home): DeploymentState {
  return inHome(home, () => {
    try {
      const state: unknown = JSON.parse(readFileSync(home.state, 'utf8'))
      return isState(state) ? state : { ports: {} }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return { ports: {} }
      throw error
    }
  })
}

function isState(value: unknown): value is DeploymentState {
  if (!isRecord(value) || !isRecord(value.ports)) return false
  const { ports, up } = value
  if (Object.values(ports).some((port) => !Number.isInteger(port) || Number(port) < 1 || Number(port) > 65_535))
    return false
  if (up === undefined) return true
  return (
    isRecord(up) &&
    isRecord(up.process) &&
    Number.isInteger(up.process.pid) &&
    typeof up.process.started === 'string' &&
    isRecord(up.env) &&
    Object.values(up.env).every((text) => typeof text === 'string')
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function writeState(home: Home, state: DeploymentState): void {
  const aside = `${home.state}.${process.pid}`
  inHome(home, () => {
    writeFileSync(aside, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 })
    renameSync(aside, home.state)
  })
}

/** The `up` that runs in this home now, if one does. */
export function runningUp(home: Home): RunningUp | undefined {
  const { up } = readState(home)
  return up && isAlive(up.process) ? up : undefined
}

/**
 * The environment for a command: what is set stands; what is not comes from the `up` that runs in this home.
 * Set TEMPORAL_* (keys, TLS) are for the cluster of a set TEMPORAL_ADDRESS, never for the dev server of `up`.
 */
export function commandEnv(home: Home, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const up = runningUp(home)
  if (!up) return env
  return env.TEMPORAL_ADDRESS ? { ...up.env, ...env } : { ...up.env, ...withoutTemporal(env) }
}

export function withoutTemporal(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('TEMPORAL_')))
}
