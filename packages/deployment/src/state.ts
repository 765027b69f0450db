import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { Home } from './home.ts'
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

export function readState(home: Home): DeploymentState {
  try {
    return JSON.parse(readFileSync(home.state, 'utf8')) as DeploymentState
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return { ports: {} }
    throw error
  }
}

export function writeState(home: Home, state: DeploymentState): void {
  const aside = `${home.state}.${process.pid}`
  writeFileSync(aside, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 })
  renameSync(aside, home.state)
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
