import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { writeDeployment } from '@sluice/account-store/deployment'
import { migrate } from '@sluice/account-store/migrate'
import { openStore } from '@sluice/account-store/openStore'
import type { Fields } from '@sluice/core/schema/accountSchema'
import { syncRunType, taskQueue, workflowId } from '@sluice/workflows/names'
import type { SyncRunResult } from '@sluice/workflows/syncRunInput'
import { Client, Connection, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client'
import type pg from 'pg'
import type { TestNamespace } from '../servers/temporal.ts'
import { syncDefinition } from '../store/storeUnderTest.ts'
import type { Disturbance } from './disturbance.ts'

export const sync = 'crm'

/** The fields that the oracle knows. */
const fields: Fields = [
  ['a', { type: 'string' }],
  ['b', { type: 'string' }],
  ['deep', { type: 'object', merge: 'deep' }],
]

export interface CrashingWorker {
  process: ChildProcess
  /** Fulfilled when the next disturbance happens; each is told once. */
  disturbed(): Promise<Disturbance>
  /** Lets it go on where it is held. */
  letGo(): void
  kill(signal?: NodeJS.Signals): void
  ended: Promise<unknown>
}

/** A Sluice of several processes on servers that are given, with one sync; its workers can be told where to crash. */
export interface SluiceUnderCrash {
  /** Holds the stage, and the workers' logs. */
  folder: string
  stageFolder: string
  store: pg.Pool
  client: Client
  startWorker(...disturbances: Disturbance[]): Promise<CrashingWorker>
  startRun(): Promise<WorkflowHandleWithFirstExecutionRunId>
  /** Ends its processes; removes its folder unless it is to be kept. */
  stop(options?: { keep: boolean }): Promise<void>
}

export interface CrashOptions {
  temporal: Pick<TestNamespace, 'address' | 'namespace'>
  storeUrl: string
  sourceUrl: string
  /** A file with the workflow code, so that not every worker builds it. */
  workflowBundle: string
  table: string
  batchRows: number
  batchesPerSegment: number
}

export async function sluiceUnderCrash(options: CrashOptions): Promise<SluiceUnderCrash> {
  const { temporal, storeUrl, sourceUrl } = options
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-crash-'))
  const stageFolder = path.join(folder, 'stage')
  const store = openStore({ url: storeUrl, connectionsMax: 2 })
  await migrate(store)
  await deploy(store, options)
  const connection = await Connection.connect({ address: temporal.address })
  const client = new Client({ connection, namespace: temporal.namespace })
  const workers = new Set<CrashingWorker>()
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    SLUICE_STORE_URL: storeUrl,
    SLUICE_STAGE: pathToFileURL(stageFolder).href,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    // Dozens of workers start from the same sources.
    NODE_COMPILE_CACHE: path.join(path.dirname(options.workflowBundle), 'compiled'),
    SOURCE_PASSWORD: decodeURIComponent(new URL(sourceUrl).password),
    CRASH_BUNDLE: options.workflowBundle,
    CRASH_BATCHES_PER_SEGMENT: String(options.batchesPerSegment),
  }
  let workersStarted = 0

  return {
    folder,
    stageFolder,
    store,
    client,
    async startWorker(...disturbances) {
      const name = `worker-${++workersStarted}`
      const worker = await startCrashingWorker(path.join(folder, `${name}.log`), {
        ...env,
        CRASH_DISTURBANCES: JSON.stringify(disturbances),
      })
      workers.add(worker)
      return worker
    },
    startRun: () =>
      client.workflow.start<(input: object) => Promise<SyncRunResult>>(syncRunType, {
        taskQueue,
        workflowId: workflowId(sync, 'manual'),
        args: [{ sync, kind: 'manual' }],
      }),
    async stop({ keep } = { keep: false }) {
      for (const worker of workers) worker.kill()
      await Promise.all([...workers].map((worker) => worker.ended))
      await connection.close()
      await store.end()
      if (!keep) await rm(folder, { recursive: true, force: true })
    },
  }
}

async function deploy(store: pg.Pool, { sourceUrl, table, batchRows }: CrashOptions): Promise<void> {
  const url = new URL(sourceUrl)
  const warehouse = {
    type: 'postgres',
    host: url.hostname,
    port: Number(url.port),
    database: url.pathname.slice(1),
    user: decodeURIComponent(url.username),
    password: { env: 'SOURCE_PASSWORD' },
    tls: 'disable',
  }
  const definition = {
    ...syncDefinition,
    source: { table },
    batch: { rows: batchRows, bytes: batchRows * 200 },
  }
  await writeDeployment(
    store,
    {
      fields,
      connections: { put: { warehouse }, remove: [] },
      syncs: { put: { [sync]: definition }, remove: [] },
    },
    { by: 'test' },
  )
}

async function startCrashingWorker(logFile: string, env: NodeJS.ProcessEnv): Promise<CrashingWorker> {
  const entry = path.join(import.meta.dirname, 'crashingWorker.ts')
  const child = spawn(process.execPath, ['--conditions=sluice-source', entry], { env, stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.on('error', () => {}) // it may be dead
  const log = createWriteStream(logFile)
  child.stderr.pipe(log)
  const ended = once(child, 'exit')
  const told: Disturbance[] = []
  const waiting: ((disturbance: Disturbance) => void)[] = []
  await new Promise<void>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      if (line === 'ready') return resolve()
      if (!line.startsWith('{"point"')) return void log.write(`${line}\n`)
      const disturbance = JSON.parse(line) as Disturbance
      const listener = waiting.shift()
      if (listener) listener(disturbance)
      else told.push(disturbance)
    })
    ended.then(([code]) => reject(new Error(`The worker ended (${code}) before it was ready: see ${logFile}.`)))
  })
  return {
    process: child,
    ended,
    disturbed: () => {
      const first = told.shift()
      return first ? Promise.resolve(first) : new Promise((resolve) => waiting.push(resolve))
    },
    letGo: () => void child.stdin.write('\n'),
    kill: (signal = 'SIGKILL') => void child.kill(signal),
  }
}
