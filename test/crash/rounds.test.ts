import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { appendFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { bundleWorkflows } from '@sluice/worker/workflowBundle'
import type { SyncRunResult } from '@sluice/workflows/syncRunInput'
import { isGrpcServiceError, type WorkflowHandle } from '@temporalio/client'
import { DefaultLogger } from '@temporalio/worker'
import pg from 'pg'
import { expect, test } from 'vitest'
import { describeOn, ownFolder } from '../servers/address.ts'
import { ownPostgres, testDatabase } from '../servers/postgres.ts'
import { ownTemporal, testNamespace } from '../servers/temporal.ts'
import type { Disturbance, Point } from './disturbance.ts'
import { type Random, seeded } from './seeded.ts'
import type { CrashingWorker, SluiceUnderCrash } from './sluiceUnderCrash.ts'
import { generateSourceTable, writeSourceTable } from './sourceTable.ts'
import { expectOneByOne, withstand } from './withstand.ts'

// On demand, by `pnpm crash --rounds N --seed S`: random disturbances at random times.
const rounds = Number(process.env.CRASH_ROUNDS ?? 0)
const firstSeed = Number(process.env.CRASH_SEED ?? 1)

const describeOnServers = rounds > 0 ? await describeOn('postgres', 'temporal') : undefined

const points: Point[] = [
  'extract before stage',
  'extract after stage',
  'schemaFilter before filter',
  'schemaFilter after filter',
  'apply before read',
  'apply after begin',
  'apply before commit',
  'apply after commit',
  'commitWatermark before commit',
  'commitWatermark after commit',
  'commitWatermark after unstage',
]

interface Server {
  pid(): number
  start(): Promise<void>
}
interface Servers {
  store: Server
  source: Server
  temporal: Server
}

describeOnServers?.('crash rounds', () => {
  test(`${rounds} from seed ${firstSeed}`, { timeout: 2 ** 31 - 1 }, async () => {
    const { folder } = await ownFolder('temporal')
    const workflowBundle = path.join(folder, 'workflows.js')
    await writeFile(workflowBundle, (await bundleWorkflows(new DefaultLogger('WARN'))).code)
    const [temporal, store, source] = await Promise.all([ownTemporal(), ownPostgres(), ownPostgres()])
    for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
      const random = seeded(seed)
      const table = generateSourceTable(seed, 2000 + random.below(6000))
      const settings = {
        workflowBundle,
        table: 'public.accounts',
        batchRows: 20 + random.below(100),
        batchesPerSegment: 3 + random.below(20),
      }
      process.stderr.write(`seed ${seed}: ${table.rows.length} rows, ${settings.batchRows} a batch\n`)
      const sourceUrl = await newDatabase(source.url, seed)
      await writeSourceTable(sourceUrl, 'accounts', table)
      const undisturbed = await withstand(
        { ...settings, sourceUrl, storeUrl: (await testDatabase()).url, temporal: await testNamespace() },
        async (sluice) => {
          await sluice.startWorker()
          return (await sluice.startRun()).result()
        },
      )
      expectOneByOne(undisturbed, table)
      await withstand(
        { ...settings, sourceUrl, storeUrl: await newDatabase(store.url, seed), temporal },
        (sluice) => disturbAtRandom(sluice, { store, source, temporal }, random),
        undisturbed,
      )
    }
  })
})

async function newDatabase(serverUrl: string, seed: number): Promise<string> {
  const client = new pg.Client({ connectionString: serverUrl })
  await client.connect()
  try {
    await client.query(`create database round_${seed}`)
  } finally {
    await client.end()
  }
  return Object.assign(new URL(serverUrl), { pathname: `round_${seed}` }).href
}

/** A few disturbances while the run is on its way; then everything is as it should be, and the run goes on by itself. */
async function disturbAtRandom(sluice: SluiceUnderCrash, servers: Servers, random: Random): Promise<SyncRunResult> {
  const say = async (what: string) => {
    const line = `${new Date().toISOString()} ${what}\n`
    process.stderr.write(`  ${line}`)
    await appendFile(path.join(sluice.folder, 'disturbances.log'), line)
  }
  const workers: CrashingWorker[] = []
  const start = async (...disturbances: Disturbance[]) => {
    const worker = await sluice.startWorker(...disturbances)
    workers.push(worker)
    worker.ended.then(() => workers.splice(workers.indexOf(worker), 1))
  }
  await start()
  const run = await sluice.startRun()
  let ended = false
  const result = resultOf(run).finally(() => {
    ended = true
  })
  result.catch(() => {})

  const thawing: Promise<void>[] = []
  const crash = async (name: keyof Servers) => {
    process.kill(servers[name].pid(), name === 'temporal' ? 'SIGKILL' : 'SIGQUIT')
    await sleep(random.below(3000))
    await servers[name].start()
  }
  const disturbances: Record<string, () => Promise<unknown>> = {
    'kill a worker': async () => {
      workers[0]?.kill()
      await sleep(random.below(1000))
      await start()
    },
    'start another worker': () => start(),
    'start a worker that is killed at some point': () =>
      start({ point: random.oneOf(points), nth: 1 + random.below(5), act: 'kill' }),
    'freeze a worker': async () => {
      const frozen = workers[0]
      frozen?.kill('SIGSTOP')
      thawing.push(sleep(random.below(40_000)).then(() => frozen?.kill('SIGCONT')))
      await start()
    },
    'shut a worker down': async () => {
      workers[0]?.kill('SIGTERM')
      await start()
    },
    'crash the store': () => crash('store'),
    'crash the source': () => crash('source'),
    'crash Temporal': () => crash('temporal'),
    'damage a staged object': async () => damageOne(sluice.stageFolder, random),
  }
  const names = Object.keys(disturbances)
  for (let left = 2 + random.below(6); left > 0 && !ended; left--) {
    await sleep(random.below(2500))
    if (ended) break
    const name = random.oneOf(names)
    await say(name)
    await disturbances[name]!()
    if (workers.length === 0) {
      await say('no worker is left')
      await start()
    }
  }
  await say('undisturbed from now on')
  await Promise.all(thawing)
  if (workers.length === 0) await start()
  const answer = await result
  await say(`ended: ${JSON.stringify(answer)}`)
  if (workers.length === 0) await start()
  return answer
}

/** While the server is down, asks again. */
async function resultOf(run: WorkflowHandle): Promise<SyncRunResult> {
  for (;;) {
    try {
      return await run.result()
    } catch (error) {
      if (!isGrpcServiceError(error)) throw error
      await sleep(200)
    }
  }
}

function damageOne(folder: string, random: Random): void {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  if (files.length === 0) return
  const { parentPath, name } = random.oneOf(files)
  const file = path.join(parentPath, name)
  try {
    const bytes = readFileSync(file)
    const act = random.below(3)
    if (act === 0) rmSync(file)
    else if (act === 1) truncateSync(file, Math.floor(bytes.length / 2))
    else {
      bytes[random.below(bytes.length)]! ^= 1
      writeFileSync(file, bytes)
    }
  } catch (error) {
    // It was freed meanwhile.
    expect((error as NodeJS.ErrnoException).code).toBe('ENOENT')
  }
}
