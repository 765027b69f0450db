import { migrate } from '@sluice/account-store/migrate'
import { openStore } from '@sluice/account-store/openStore'
import { SluiceError } from '@sluice/core/faults'
import { openStage } from '@sluice/stage/openStage'
import { loadClientConnectConfig } from '@temporalio/envconfig'
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker'
import { destination, type Logger, pino } from 'pino'
import { createWorker } from './createWorker.ts'
import { filterThreads, openFilterPool } from './filter/filterPool.ts'
import { framesOf } from './toApplicationFailure.ts'
import { workflowBundle } from './workflowBundle.ts'

const shutdownGraceMs = 10_000

const log = pino({ name: 'sluice-worker', level: process.env.SLUICE_LOG_LEVEL ?? 'info' }, destination(2))
try {
  await main()
  process.exit(0)
} catch (error) {
  if (error instanceof SluiceError)
    log.fatal({ code: error.code, sentence: error.message, remedy: error.fault.remedy }, 'worker cannot run')
  else
    log.fatal(
      { sentence: error instanceof Error ? error.message : String(error), frames: framesOf(error) },
      'worker cannot run',
    )
  process.exit(error instanceof SluiceError && error.fault.status === 'config_error' ? 3 : 1)
}

/** Runs until SIGTERM or SIGINT, then lets what is under way come to its end. */
async function main(): Promise<void> {
  installLogger(log)
  const stageUri = variable('SLUICE_STAGE')
  const stage = openStage(stageUri)
  // Makes its folder, and tells now rather than at the first batch what is wrong with it.
  await stage.check()
  const window = filterThreads + 2
  const store = openStore({
    url: variable('SLUICE_STORE_URL'),
    applicationName: 'sluice-worker',
    connectionsMax: 2 * window + 4,
  })
  const { from, to } = await migrate(store)
  if (from !== to) log.info({ from, to }, 'store migrated')

  const { namespace = 'default', connectionOptions } = loadClientConnectConfig()
  const connection = await connectTemporal(connectionOptions)
  const filterPool = openFilterPool({ stageUri })
  const worker = await createWorker({
    connection,
    namespace,
    workflowBundle: await workflowBundle(),
    dependencies: { store, stage, filterPool, log, env: process.env, window, batchesPerSegment: 200 },
    shutdownGraceMs,
  })
  const running = worker.run()
  process.stdout.write('sluice worker ready\n')
  try {
    await running
  } finally {
    await filterPool.close()
    await connection.close()
    await store.end()
  }
}

async function connectTemporal(
  options: NonNullable<Parameters<typeof NativeConnection.connect>[0]>,
): Promise<NativeConnection> {
  try {
    return await NativeConnection.connect(options)
  } catch (error) {
    throw new SluiceError('temporal_unavailable', `(${options.address ?? 'localhost:7233'})`, { cause: error })
  }
}

/** Temporal's own log lines in the form of ours. What an activity failed by is logged where it is handled. */
function installLogger(log: Logger): void {
  const logger = new DefaultLogger('INFO', ({ level, message, meta }) => {
    if (message === 'Activity failed') return
    const { error, ...fields } = meta ?? {}
    const line = {
      ...fields,
      ...(error !== undefined && { error: error instanceof Error ? error.name : 'unknown', frames: framesOf(error) }),
    }
    if (level === 'ERROR') log.error(line, message)
    else if (level === 'WARN') log.warn(line, message)
    else log.debug(line, message)
  })
  Runtime.install({ logger, shutdownSignals: ['SIGTERM', 'SIGINT'] })
}

function variable(name: string): string {
  const value = process.env[name]
  if (value) return value
  log.fatal(
    {
      sentence: `A worker needs SLUICE_STORE_URL, TEMPORAL_ADDRESS and SLUICE_STAGE; ${name} is not set.`,
      remedy: 'Set them as for the commands and every other worker; docs/operating.md says how.',
    },
    'worker cannot run',
  )
  process.exit(2)
}
