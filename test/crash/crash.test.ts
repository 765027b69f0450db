import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { bundleWorkflows } from '@sluice/worker/workflowBundle'
import type { SyncRunResult } from '@sluice/workflows/syncRunInput'
import { DefaultLogger } from '@temporalio/worker'
import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { describeOn, ownFolder } from '../servers/address.ts'
import { type OwnPostgres, ownPostgres, testDatabase } from '../servers/postgres.ts'
import { type OwnTemporal, ownTemporal, testNamespace } from '../servers/temporal.ts'
import type { Disturbance, Point } from './disturbance.ts'
import type { FinalState } from './finalState.ts'
import type { CrashOptions, SluiceUnderCrash } from './sluiceUnderCrash.ts'
import { generateSourceTable, type SourceTable, writeSourceTable } from './sourceTable.ts'
import { expectOneByOne, withstand } from './withstand.ts'

const describeOnServers = await describeOn('postgres', 'temporal')
const seed = Number(process.env.CRASH_SEED ?? 1)
const timeout = 240_000
// They wait most of their time: for Temporal to notice that a worker is gone.
vi.setConfig({ maxConcurrency: 8 })

describeOnServers('crashes', () => {
  const source: SourceTable = generateSourceTable(seed, 1500)
  let sourceUrl: string
  let workflowBundle: string
  let undisturbed: FinalState

  beforeAll(async () => {
    const { folder } = await ownFolder('temporal')
    workflowBundle = path.join(folder, 'workflows.js')
    await writeFile(workflowBundle, (await bundleWorkflows(new DefaultLogger('WARN'))).code)
    sourceUrl = (await testDatabase()).url
    await writeSourceTable(sourceUrl, 'accounts', source)
    undisturbed = await withstand(await options({}), async (sluice) => {
      await sluice.startWorker()
      return (await sluice.startRun()).result()
    })
  }, timeout)

  const options = async (servers: Partial<CrashOptions>): Promise<CrashOptions> => ({
    temporal: servers.temporal ?? (await testNamespace()),
    storeUrl: servers.storeUrl ?? (await testDatabase()).url,
    sourceUrl: servers.sourceUrl ?? sourceUrl,
    workflowBundle,
    table: 'public.accounts',
    batchRows: 75,
    batchesPerSegment: 8,
    ...servers,
  })
  const withstands = async (
    disturb: (sluice: SluiceUnderCrash) => Promise<SyncRunResult>,
    servers: Partial<CrashOptions> = {},
  ) => withstand(await options(servers), disturb, undisturbed)

  test('§4 undisturbed: one row after the other, in the order of their time', () => {
    expectOneByOne(undisturbed, source)
    expect(undisturbed.accounts.length).toBeGreaterThan(100)
    expect(undisturbed.quarantine.length).toBeGreaterThan(10)
    expect(undisturbed.watermark?.updated_at).toBe(source.rows.at(-1)!.updated_at)
  })

  test.concurrent.each<[string, Point, number]>([
    ['§7', 'connect after commit', 1],
    ['§5', 'extract after stage', 5],
    ['§5', 'extract before stage', 15],
    ['§4', 'schemaFilter before filter', 3],
    ['§4', 'schemaFilter after filter', 3],
    ['§4', 'apply before commit', 4],
    ['§4', 'apply after commit', 4],
    ['§5', 'commitWatermark before commit', 2],
    ['§5', 'commitWatermark after commit', 2],
    ['§5', 'commitWatermark after unstage', 2],
    ['§7', 'finishRun before commit', 1],
    ['§7', 'finishRun after commit', 1],
  ])('%s a worker killed: %s, time %i', { timeout }, async (_, point, nth) => {
    await withstands(async (sluice) => {
      const doomed = await sluice.startWorker({ point, nth, act: 'kill' })
      const run = await sluice.startRun()
      await doomed.ended
      await sluice.startWorker()
      return run.result()
    })
  })

  test.concurrent('§4 two workers, one of them killed: apply after commit', { timeout }, async () => {
    await withstands(async (sluice) => {
      const [doomed] = await Promise.all([
        sluice.startWorker({ point: 'apply after commit', nth: 3, act: 'kill' }),
        sluice.startWorker(),
      ])
      const run = await sluice.startRun()
      const result = await run.result()
      doomed.kill()
      return result
    })
  })

  test.concurrent.each<[string, Point, Point]>([
    ['§5', 'extract after stage', 'extract after stage'],
    ['§4', 'apply before begin', 'apply before commit'],
    ['§4', 'apply before commit', 'apply after begin'],
    ['§5', 'commitWatermark before begin', 'commitWatermark before commit'],
  ])(
    '%s a worker frozen past its heartbeat: %s, thawed while its successor is at: %s',
    { timeout },
    async (_, point, successorAt) => {
      await withstands(async (sluice) => {
        const zombie = await sluice.startWorker({ point, nth: 3, act: 'freeze' })
        const run = await sluice.startRun()
        await zombie.disturbed()
        const successor = await sluice.startWorker({ point: successorAt, nth: 1, act: 'hold' })
        await successor.disturbed()
        zombie.kill('SIGCONT')
        await new Promise((resolve) => setTimeout(resolve, 500))
        successor.letGo()
        const result = await run.result()
        zombie.kill('SIGTERM')
        await zombie.ended
        return result
      })
    },
  )

  test.concurrent.each<[string, Point]>([
    ['§7', 'connect before begin'],
    ['§5', 'extract before stage'],
    ['§4', 'apply before begin'],
    ['§7', 'finishRun before begin'],
  ])('%s a worker frozen: %s, thawed when its run is over', { timeout }, async (_, point) => {
    await withstands(async (sluice) => {
      const zombie = await sluice.startWorker({ point, nth: /^(connect|finish)/.test(point) ? 1 : 3, act: 'freeze' })
      const run = await sluice.startRun()
      await zombie.disturbed()
      await sluice.startWorker()
      const result = await run.result()
      zombie.kill('SIGCONT')
      zombie.kill('SIGTERM')
      await zombie.ended
      return result
    })
  })

  test.concurrent.each<[string, Point]>([
    ['before filter', 'schemaFilter before filter'],
    ['before apply', 'apply before read'],
  ])('§4 staged batches truncated, with a flipped bit and lost %s are read again', { timeout }, async (_, point) => {
    const damages = (['truncate', 'flip', 'lose'] as const).map(
      (act, i): Disturbance => ({ point, nth: 3 + 4 * i, act }),
    )
    await withstands(async (sluice) => {
      const worker = await sluice.startWorker(...damages)
      const run = await sluice.startRun()
      for (const { act } of damages) expect((await worker.disturbed()).act).toBe(act)
      return run.result()
    })
  })

  describeOnServers('of servers', () => {
    let temporal: OwnTemporal
    let store: OwnPostgres
    let ownSource: OwnPostgres
    beforeAll(async () => {
      ;[temporal, store, ownSource] = await Promise.all([ownTemporal(), ownPostgres(), ownPostgres()])
      await writeSourceTable(ownSource.url, 'accounts', source)
      await yieldSlowly(ownSource.url)
    }, timeout)
    afterAll(async () => {
      await Promise.all([temporal, store, ownSource].map((server) => server?.stop()))
    })

    /** Held at each of the points in turn, while the server is gone and comes back. */
    const withCrashes =
      (server: { pid(): number; start(): Promise<void> }, signal: NodeJS.Signals, ...at: Point[]) =>
      async (sluice: SluiceUnderCrash) => {
        const worker = await sluice.startWorker(
          ...at.map((point, i): Disturbance => ({ point, nth: 4 + 5 * i, act: 'hold' })),
        )
        const run = await sluice.startRun()
        for (const point of at) {
          expect((await worker.disturbed()).point).toBe(point)
          process.kill(server.pid(), signal)
          await server.start()
          worker.letGo()
        }
        return run.result()
      }

    test.concurrent('§7 the Temporal server killed, and started again', { timeout }, async () => {
      await withstands(withCrashes(temporal, 'SIGKILL', 'apply after commit'), { temporal })
    })

    test.concurrent('§4 the account store stopped at once, and started again: apply before and after commit', {
      timeout,
    }, async () => {
      const crashes = withCrashes(store, 'SIGQUIT', 'apply before commit', 'apply after commit')
      await withstands(crashes, { storeUrl: store.url })
    })

    test.concurrent('§5 the source database stopped at once in mid-stream, and started again', {
      timeout,
    }, async () => {
      const crashes = withCrashes(ownSource, 'SIGQUIT', 'extract after stage')
      const seen = async (sluice: SluiceUnderCrash) => {
        const result = await crashes(sluice)
        expect(await readFile(path.join(sluice.folder, 'worker-1.log'), 'utf8')).toMatch(
          /source_(interrupted|unavailable)/,
        )
        return result
      }
      await withstands(seen, { sourceUrl: ownSource.url, table: 'public.slow_accounts' })
    })
  })
})

/** A view that yields its rows one by one in their order, so that a small table, too, is cut off before its end. */
async function yieldSlowly(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`
      create index on accounts (updated_at);
      create view slow_accounts as
        select a.* from accounts a,
          lateral (select pg_sleep(case when a.updated_at is null then 0 else 0.002 end)::text as slept) s
        where s.slept is not null`)
    for (const way of ['enable_sort', 'enable_seqscan', 'enable_bitmapscan'])
      await client.query(`alter database sluice set ${way} = off`)
  } finally {
    await client.end()
  }
}
