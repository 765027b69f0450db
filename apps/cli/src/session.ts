import { userInfo } from 'node:os'
import type { Services, Store } from '@sluice/control/services'
import type { TemporalUi } from '@sluice/control/temporal/temporalUrl'
import { SluiceError } from '@sluice/core/faults'
import { homeFolder, homeOf } from '@sluice/deployment/home'
import { commandEnv } from '@sluice/deployment/state'
import { sameSignalMs } from '@sluice/deployment/stopSignals'
import { exitCode } from './exitCode.ts'

type Temporal = Services['temporal']

/** What one command uses. Connections are made when they are asked for, and closed at its end. */
export class Session {
  readonly json: boolean
  /** What is set stands; what is not comes from the `sluice up` that runs in this home. */
  readonly env: NodeJS.ProcessEnv
  #store: Store | undefined
  #temporal: Promise<Temporal> | undefined
  #interrupt: AbortController | undefined

  constructor(env: NodeJS.ProcessEnv, { json }: { json: boolean }) {
    this.env = commandEnv(homeOf(homeFolder(env)), env)
    this.json = json
  }

  /** Who acts, for audits. */
  get by(): string {
    try {
      return userInfo().username
    } catch {
      // A container may run as a user without a name.
      return `user ${process.getuid?.() ?? 'unknown'}`
    }
  }

  /** Aborted by Ctrl-C. A later one ends the process at once; the same one may come twice. */
  get interrupt(): AbortSignal {
    if (!this.#interrupt) {
      const interrupt = new AbortController()
      this.#interrupt = interrupt
      let firstAt: number | undefined
      process.on('SIGINT', () => {
        if (firstAt === undefined) {
          firstAt = performance.now()
          interrupt.abort()
        } else if (performance.now() - firstAt > sameSignalMs) process.exit(exitCode.interrupted)
      })
    }
    return this.#interrupt.signal
  }

  get ui(): TemporalUi | undefined {
    const url = this.env.SLUICE_TEMPORAL_UI_URL
    return url ? { url, namespace: this.env.TEMPORAL_NAMESPACE || 'default' } : undefined
  }

  async store(): Promise<Store> {
    this.#store ??= await this.newStore()
    return this.#store
  }

  async newStore(): Promise<Store> {
    const url = this.env.SLUICE_STORE_URL
    if (!url) throw new SluiceError('deployment_missing')
    const { openStore } = await import('@sluice/control/openStore')
    return openStore({ url, applicationName: 'sluice command' })
  }

  async temporal(): Promise<Temporal> {
    this.#temporal ??= this.newTemporal()
    return this.#temporal
  }

  async newTemporal(): Promise<Temporal> {
    if (!this.env.TEMPORAL_ADDRESS) throw new SluiceError('deployment_missing')
    const { openTemporal } = await import('@sluice/control/temporal/openTemporal')
    return openTemporal(this.env)
  }

  async services(): Promise<Services> {
    const [store, temporal] = await Promise.all([this.store(), this.temporal()])
    return { store, temporal }
  }

  async close(): Promise<void> {
    await Promise.all([
      this.#store?.end(),
      this.#temporal?.then(
        (temporal) => temporal.connection.close(),
        () => {},
      ),
    ])
  }
}
