import { existsSync, writeFileSync } from 'node:fs'
import { ConfigurationProblems } from '@sluice/control/config/problem'
import { Refusal } from '@sluice/control/refusal'
import { SluiceError } from '@sluice/core/faults'
import type { PortName } from '@sluice/deployment/up'
import type { Command } from 'commander'
import { verb, wholeNumber } from '../command.ts'
import { exitCode, exitCodeOf } from '../exitCode.ts'
import { say, write } from '../output/answer.ts'
import { fail } from '../output/failure.ts'
import { printable } from '../output/printable.ts'

interface UpOptions {
  demo?: boolean
  once?: boolean
  json?: boolean
  postgresPort?: number
  temporalPort?: number
  temporalUiPort?: number
}

export function addUp(root: Command): void {
  const port = wholeNumber(1, 65_535)
  verb(root, 'up', {
    summary: 'start what is not configured elsewhere: PostgreSQL, Temporal, a worker; stay until Ctrl-C',
    example: 'up --demo',
  })
    .option('--demo', 'make a demo warehouse, apply demo/sluice.yaml, run its sync and show the report')
    .option('--once', 'end after the reports, with the exit code of the last run')
    .option('--postgres-port <port>', 'port of PostgreSQL (SLUICE_POSTGRES_PORT)', port)
    .option('--temporal-port <port>', 'port of Temporal (SLUICE_TEMPORAL_PORT)', port)
    .option('--temporal-ui-port <port>', 'port of the Temporal UI (SLUICE_TEMPORAL_UI_PORT)', port)
    .action(async (options: UpOptions) => {
      process.exitCode = await up(options)
    })
}

async function up(options: UpOptions): Promise<number> {
  const [{ startDeployment }, { homeFolder }, { listenForStopSignals }, { withoutTemporal }] = await Promise.all([
    import('@sluice/deployment/up'),
    import('@sluice/deployment/home'),
    import('@sluice/deployment/stopSignals'),
    import('@sluice/deployment/state'),
  ])
  // `sluice up | head`: a reader that is gone ends other commands, but this one has servers to stop first.
  for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error').on('error', () => {})
  const signals = listenForStopSignals()
  const deployment = await startDeployment({
    home: homeFolder(process.env),
    env: process.env,
    ports: portsOf(options),
    say,
    signal: signals.stop,
    prepare: (env) => prepare(env.SLUICE_STORE_URL!, options),
  })
  try {
    const env = { ...(process.env.TEMPORAL_ADDRESS ? process.env : withoutTemporal(process.env)), ...deployment.env }
    const exit = options.demo ? await tryDemo(env, options, signals.stop) : exitCode.done
    if (options.once) {
      if (options.demo && exit === exitCode.partial)
        say('Exit code 4 means `partial`, as expected: the demo has bad rows on purpose.')
      return exit ?? exitCode.refused
    }
    if (!options.json) await write(addresses(env, { demo: options.demo === true && exit !== undefined }))
    await aborted(signals.stop)
    return exitCode.done
  } catch (error) {
    // Ctrl-C in the middle of the demo.
    if (signals.stop.aborted) return exitCode.interrupted
    throw error
  } finally {
    say('stopping')
    await deployment.stop(signals.hurry)
    signals.release()
  }
}

/** Before the worker starts: the store in its newest shape, and the demo's warehouse. */
async function prepare(storeUrl: string, { demo }: UpOptions): Promise<Record<string, string>> {
  const { migrate, openStore } = await import('@sluice/control/openStore')
  const store = openStore({ url: storeUrl, applicationName: 'sluice up' })
  try {
    await migrate(store)
  } finally {
    await store.end()
  }
  const [{ hasWarehouse, makeWarehouse }, { homeFolder, homeOf }] = await Promise.all([
    import('../demo/warehouse.ts'),
    import('@sluice/deployment/home'),
  ])
  const made = homeOf(homeFolder(process.env)).demo
  if (demo) {
    const env = await makeWarehouse(storeUrl)
    writeFileSync(made, '')
    return env
  }
  // A demo that was made once can still be run: its sync is deployed, and looks for its connection in the environment.
  if (!existsSync(made)) return {}
  try {
    return (await hasWarehouse(storeUrl)) ? await makeWarehouse(storeUrl) : {}
  } catch (error) {
    say(`The demo warehouse is left as it is: ${printable(error instanceof Error ? error.message : String(error))}`)
    return {}
  }
}

/** Undefined: nothing was shown, and why has been said. What is up serves without the demo, too. */
async function tryDemo(env: NodeJS.ProcessEnv, options: UpOptions, signal: AbortSignal): Promise<number | undefined> {
  try {
    return await showDemo(env, options, signal)
  } catch (error) {
    const expected = error instanceof Refusal || error instanceof SluiceError || error instanceof ConfigurationProblems
    if (options.once || !expected || signal.aborted) throw error
    fail(error, { json: options.json === true, debug: process.env.SLUICE_DEBUG === '1' })
    return undefined
  }
}

async function showDemo(env: NodeJS.ProcessEnv, { json }: UpOptions, signal: AbortSignal): Promise<number | undefined> {
  const [{ openStore }, { openTemporal }, { demoTour }] = await Promise.all([
    import('@sluice/control/openStore'),
    import('@sluice/control/temporal/openTemporal'),
    import('../demo/tour.ts'),
  ])
  const storeUrl = env.SLUICE_STORE_URL!
  const store = openStore({ url: storeUrl, applicationName: 'sluice up' })
  try {
    const temporal = await openTemporal(env)
    try {
      const url = env.SLUICE_TEMPORAL_UI_URL
      const ui = url ? { url, namespace: env.TEMPORAL_NAMESPACE ?? 'default' } : undefined
      const report = await demoTour({
        services: { store, temporal },
        storeUrl,
        ui,
        by: 'sluice up --demo',
        json: json === true,
        signal,
      })
      return report && exitCodeOf(report.status)
    } finally {
      await temporal.connection.close()
    }
  } finally {
    await store.end()
  }
}

function portsOf({ postgresPort, temporalPort, temporalUiPort }: UpOptions): Partial<Record<PortName, number>> {
  return {
    ...(postgresPort !== undefined && { postgres: postgresPort }),
    ...(temporalPort !== undefined && { temporal: temporalPort }),
    ...(temporalUiPort !== undefined && { temporalUi: temporalUiPort }),
  }
}

function addresses(env: NodeJS.ProcessEnv, { demo }: { demo: boolean }): string {
  const ui = env.SLUICE_TEMPORAL_UI_URL
  return `
Sluice is up.${ui ? `\n  Temporal UI   ${ui}/namespaces/${env.TEMPORAL_NAMESPACE}/workflows` : ''}
  Temporal      ${env.TEMPORAL_ADDRESS}

What to try next, in another terminal:
${
  demo
    ? `  ./sluice sync preview demo-accounts       what the next run would do
  ./sluice account get ACC-000007           an account with its attributes
  ./sluice quarantine list                  rejected rows, with the reason
  ./sluice sync run demo-accounts --wait    run it again: nothing changed, so it reads just two bad rows, and is \`partial\` by them
  ./sluice usage                            what is stored
  demo/sluice.yaml                          the configuration: change it, then ./sluice plan -f demo/sluice.yaml
  SLUICE_HOME=~/sluice-own ./sluice up      a place of its own for a sluice.yaml of yours: see docs/getting-started.md`
    : `  ./sluice apply -f sluice.yaml             deploy your connections and syncs; demo/sluice.yaml is an example
  ./sluice doctor                           whether everything is well`
}

Ctrl-C ends it and keeps the data.
`
}

function aborted(signal: AbortSignal): Promise<void> {
  // Neither a listener nor the servers, which are processes of their own, keep this process alive.
  const alive = setInterval(() => {}, 0x7fffffff)
  return new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  }).finally(() => clearInterval(alive))
}
