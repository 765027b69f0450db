import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { SluiceError } from '@sluice/core/faults'

/** Where a deployment on this machine keeps everything: data, logs, staged batches, and what it knows of itself. */
export interface Home {
  folder: string
  state: string
  lock: string
  postgres: string
  temporalDatabase: string
  /** Is there once this home made the demo's warehouse. */
  demo: string
  stage: string
  /** @param server `postgres`, `temporal`, `worker` */
  log(server: string): string
  pid(server: string): string
}

const root = path.resolve(import.meta.dirname, '../../..')

/** `SLUICE_HOME`, or `.sluice` beside the launcher. */
export function homeFolder(env: NodeJS.ProcessEnv): string {
  return path.resolve(env.SLUICE_HOME || path.join(root, '.sluice'))
}

/** Names its places; makes nothing. */
export function homeOf(folder: string): Home {
  return {
    folder,
    state: path.join(folder, 'state.json'),
    lock: path.join(folder, 'lock'),
    postgres: path.join(folder, 'postgres'),
    temporalDatabase: path.join(folder, 'temporal', 'temporal.db'),
    demo: path.join(folder, 'demo'),
    stage: path.join(folder, 'stage'),
    log: (server) => path.join(folder, 'log', `${server}.log`),
    pid: (server) => path.join(folder, 'run', `${server}.pid`),
  }
}

/** The folders that hold rows, histories or addresses are closed to other users; the home itself is passed through by PostgreSQL's. */
export function makeHome(home: Home): void {
  inHome(home, () => {
    mkdirSync(home.folder, { recursive: true, mode: 0o755 })
    for (const folder of [
      path.dirname(home.temporalDatabase),
      home.stage,
      path.dirname(home.log('')),
      path.dirname(home.pid('')),
    ]) {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
    }
  })
}

/** @throws SluiceError `home_unusable` for what the system refuses: no right, no room, a file where a folder should be. */
export function inHome<T>(home: Home, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (!/^E[A-Z]+$/.test(code ?? '')) throw error
    throw new SluiceError('home_unusable', `SLUICE_HOME is ${home.folder}. ${message}`, { cause: error })
  }
}
