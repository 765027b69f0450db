import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { writeDeployment } from '@sluice/account-store/deployment'
import { migrate } from '@sluice/account-store/migrate'
import { openStore } from '@sluice/account-store/openStore'
import { readRun } from '@sluice/account-store/runs'
import { readWatermark } from '@sluice/account-store/watermarks'
import type { ConnectionDefinition, SyncDefinition } from '@sluice/core/config/syncDefinition'
import type { RunReport } from '@sluice/core/run/runReport'
import type { Fields } from '@sluice/core/schema/accountSchema'
import { openStage } from '@sluice/stage/openStage'
import type { WorkerDependencies } from '@sluice/worker/createActivities'
import { createWorker } from '@sluice/worker/createWorker'
import { openFilterPool } from '@sluice/worker/filter/filterPool'
import { syncRunType, taskQueue, workflowId } from '@sluice/workflows/names'
import type { SyncRunInput } from '@sluice/workflows/syncRunInput'
import { Client, Connection, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client'
import { NativeConnection, type WorkflowBundleOption } from '@temporalio/worker'
import pg from 'pg'
import { pino } from 'pino'
import { testDatabase } from '../servers/postgres.ts'
import { type TestNamespace, testNamespace } from '../servers/temporal.ts'
import { syncDefinition } from '../store/storeUnderTest.ts'

const fields: Fields = [
  ['region', { type: 'string' }],
  ['size', { type: 'integer' }],
]

/** The real activities on real servers, in this process: store, source, stage, Temporal. */
export interface RunUnderTest {
  store: pg.Pool
  source: pg.Pool
  folder: string
  temporal: TestNamespace
  client: Client
  dependencies: WorkerDependencies
  deploy(sync: string, definition?: Partial<SyncDefinition>): Promise<void>
  setFields(fields: Fields): Promise<void>
  startWorker(overrides?: Partial<WorkerDependencies>): Promise<{ stop(): Promise<void> }>
  start(sync: string): Promise<WorkflowHandleWithFirstExecutionRunId>
  /** Starts a run and waits for its end, whatever it is. */
  run(sync: string): Promise<{ report: RunReport | undefined; handle: WorkflowHandleWithFirstExecutionRunId }>
  watermark(sync: string): Promise<string | undefined>
  stop(): Promise<void>
}

export async function runUnderTest(workflowBundle: WorkflowBundleOption): Promise<RunUnderTest> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-run-'))
  const [temporal, storeDatabase, sourceDatabase] = await Promise.all([testNamespace(), testDatabase(), testDatabase()])
  const store = openStore({ url: storeDatabase.url, connectionsMax: 10 })
  await migrate(store)
  const source = new pg.Pool({ connectionString: sourceDatabase.url, max: 4 })
  for (const pool of [store, source]) pool.on('error', () => {})
  const url = new URL(sourceDatabase.url)
  const warehouse: ConnectionDefinition = {
    type: 'postgres',
    host: url.hostname,
    port: Number(url.port),
    database: sourceDatabase.name,
    user: decodeURIComponent(url.username),
    password: { env: 'SOURCE_PASSWORD' },
    tls: 'disable',
  }
  const exports: ConnectionDefinition = { type: 'folder', path: path.join(folder, 'exports') }
  const stageUri = pathToFileURL(path.join(folder, 'stage')).href
  const native = await NativeConnection.connect({ address: temporal.address })
  const connection = await Connection.connect({ address: temporal.address })
  const client = new Client({ connection, namespace: temporal.namespace })
  const filterPool = openFilterPool({ stageUri })
  const dependencies: WorkerDependencies = {
    store,
    stage: openStage(stageUri),
    filterPool,
    log: pino({ level: process.env.SLUICE_LOG_LEVEL ?? 'silent' }),
    env: { SOURCE_PASSWORD: decodeURIComponent(url.password) },
    window: 3,
    batchesPerSegment: 200,
  }
  const workers = new Set<{ stop(): Promise<void> }>()

  const under: RunUnderTest = {
    store,
    source,
    folder,
    temporal,
    client,
    dependencies,
    async deploy(sync, definition = {}) {
      await writeDeployment(
        store,
        {
          connections: { put: { warehouse, exports }, remove: [] },
          syncs: { put: { [sync]: { ...syncDefinition, ...definition } }, remove: [] },
        },
        { by: 'test' },
      )
    },
    async setFields(fields) {
      await writeDeployment(
        store,
        { fields, connections: { put: {}, remove: [] }, syncs: { put: {}, remove: [] } },
        { by: 'test' },
      )
    },
    async startWorker(overrides = {}) {
      const worker = await createWorker({
        connection: native,
        namespace: temporal.namespace,
        workflowBundle,
        dependencies: { ...dependencies, ...overrides },
        shutdownGraceMs: 500,
      })
      const running = worker.run()
      const started = {
        async stop() {
          if (!workers.delete(started)) return
          worker.shutdown()
          await running
        },
      }
      workers.add(started)
      return started
    },
    async start(sync) {
      const input: SyncRunInput = { sync, kind: 'manual' }
      return await client.workflow.start(syncRunType, {
        workflowId: workflowId(sync, 'manual'),
        taskQueue,
        args: [input],
      })
    },
    async run(sync) {
      const handle = await under.start(sync)
      await handle.result().catch(() => {})
      return { handle, report: await readRun(store, handle.firstExecutionRunId) }
    },
    async watermark(sync) {
      return (await readWatermark(store, sync))?.updated_at
    },
    async stop() {
      await Promise.all([...workers].map((worker) => worker.stop()))
      await filterPool.close()
      await connection.close()
      await native.close()
      await Promise.all([store.end(), source.end()])
      await rm(folder, { recursive: true, force: true })
    },
  }
  await under.setFields(fields)
  return under
}
