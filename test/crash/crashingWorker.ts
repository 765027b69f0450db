import { readFileSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { openStore } from '@sluice/account-store/openStore'
import { openStage } from '@sluice/stage/openStage'
import type { Stage } from '@sluice/stage/stage'
import { createWorker } from '@sluice/worker/createWorker'
import { type FilterPool, openFilterPool } from '@sluice/worker/filter/filterPool'
import { Context } from '@temporalio/activity'
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker'
import type pg from 'pg'
import { destination, pino } from 'pino'
import type { Disturbance, Point } from './disturbance.ts'

// The real worker, whose way to store, stage and filter threads is disturbed at named points. Nothing in the product
// knows of it: the activity is the one under whose context a seam is crossed.

const { SLUICE_STORE_URL, SLUICE_STAGE, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE } = process.env as Record<string, string>
const { CRASH_BUNDLE, CRASH_BATCHES_PER_SEGMENT, CRASH_DISTURBANCES } = process.env as Record<string, string>
const disturbances = JSON.parse(CRASH_DISTURBANCES!) as Disturbance[]

const letGo: (() => void)[] = []
createInterface(process.stdin).on('line', () => letGo.shift()?.())

const passed = new Map<string, number>()
async function at(point: string, uri?: string): Promise<void> {
  const nth = (passed.get(point) ?? 0) + 1
  passed.set(point, nth)
  for (const disturbance of disturbances)
    if (disturbance.point === point && disturbance.nth === nth) await disturb(disturbance, uri)
}

async function disturb({ act, ...where }: Disturbance, uri?: string): Promise<void> {
  writeSync(1, `${JSON.stringify({ ...where, act })}\n`)
  if (act === 'kill') process.kill(process.pid, 'SIGKILL')
  else if (act === 'freeze') process.kill(process.pid, 'SIGSTOP')
  else if (act === 'hold') await new Promise<void>((resolve) => letGo.push(resolve))
  else damage(act, fileURLToPath(uri!))
}

function damage(act: 'truncate' | 'flip' | 'lose', file: string): void {
  const bytes = readFileSync(file)
  if (act === 'lose') rmSync(file)
  else if (act === 'truncate') truncateSync(file, Math.floor(bytes.length / 2))
  else {
    bytes[Math.floor(bytes.length / 2)]! ^= 1
    writeFileSync(file, bytes)
  }
}

function here(when: 'before' | 'after', step: string): Point {
  return `${Context.current().info.activityType} ${when} ${step}` as Point
}

async function between<T>(step: string, work: () => Promise<T>, uri?: string): Promise<T> {
  await at(here('before', step), uri)
  const result = await work()
  await at(here('after', step))
  return result
}

const wrapped = new WeakSet<object>()
function disturbedStore(pool: pg.Pool): pg.Pool {
  const connect = pool.connect.bind(pool) as (callback?: unknown) => Promise<pg.PoolClient>
  pool.connect = (async (callback?: unknown) => {
    // How `pool.query` connects, which is for reading alone.
    if (callback !== undefined) return connect(callback)
    const client = await connect()
    if (wrapped.has(client)) return client
    wrapped.add(client)
    const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>
    const disturbed = (...args: unknown[]) => {
      const step = typeof args[0] === 'string' ? /^(begin|commit)\b/.exec(args[0])?.[1] : undefined
      return step === undefined ? query(...args) : between(step, () => query(...args))
    }
    return Object.assign(client, { query: disturbed })
  }) as typeof pool.connect
  return pool
}

function disturbedStage(stage: Stage): Stage {
  return {
    ...stage,
    write: (key, header, pieces) => between('stage', () => stage.write(key, header, pieces)),
    read: (ref) => between('read', () => stage.read(ref), ref.uri),
    remove: (uris) => between('unstage', () => stage.remove(uris)),
    removeOtherRuns: (sync, runId) => between('unstage', () => stage.removeOtherRuns(sync, runId)),
    removeRun: (sync, runId) => between('unstage', () => stage.removeRun(sync, runId)),
  }
}

function disturbedFilter(pool: FilterPool): FilterPool {
  return { ...pool, filter: (task) => between('filter', () => pool.filter(task), task.raw.uri) }
}

Runtime.install({ logger: new DefaultLogger('WARN') })
const worker = await createWorker({
  connection: await NativeConnection.connect({ address: TEMPORAL_ADDRESS! }),
  namespace: TEMPORAL_NAMESPACE!,
  workflowBundle: { codePath: CRASH_BUNDLE! },
  dependencies: {
    store: disturbedStore(openStore({ url: SLUICE_STORE_URL!, connectionsMax: 10 })),
    stage: disturbedStage(openStage(SLUICE_STAGE!)),
    filterPool: disturbedFilter(openFilterPool({ stageUri: SLUICE_STAGE! })),
    log: pino({ level: 'info' }, destination(2)),
    env: process.env,
    window: 3,
    batchesPerSegment: Number(CRASH_BATCHES_PER_SEGMENT),
  },
  shutdownGraceMs: 2000,
})
const running = worker.run()
writeSync(1, 'ready\n')
await running
process.exit(0)
