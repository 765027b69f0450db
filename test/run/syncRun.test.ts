import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { listQuarantine } from '@sluice/account-store/quarantine'
import { SluiceError } from '@sluice/core/faults'
import { bundleWorkflows } from '@sluice/worker/workflowBundle'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { describeOn } from '../servers/address.ts'
import { quietRuntime } from './quietRuntime.ts'
import { type RunUnderTest, runUnderTest } from './runUnderTest.ts'

const describeOnServers = await describeOn('postgres', 'temporal')

describeOnServers('a run on real servers', () => {
  let under: RunUnderTest
  let worker: Awaited<ReturnType<RunUnderTest['startWorker']>>

  beforeAll(async () => {
    quietRuntime()
    under = await runUnderTest(await bundleWorkflows())
    worker = await under.startWorker()
  })
  afterAll(() => under?.stop())

  /** A table of its own with `rows` accounts, one a second, and its sync. */
  async function table(
    name: string,
    rows: number,
    definition: Parameters<RunUnderTest['deploy']>[1] = {},
  ): Promise<void> {
    await under.source.query(`
      create table ${name} (updated_at timestamptz, id text, name text, payload jsonb, deleted boolean);
      insert into ${name} select timestamptz '2026-01-01' + i * interval '1 second', '${name}-' || i, 'Secret ' || i, jsonb_build_object('size', i, 'region', 'Hidden ' || i), false
      from generate_series(1, ${rows}) i`)
    await under.deploy(name, { source: { table: name }, ...definition })
  }
  const at = (second: number) =>
    new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString().replace('T', ' ').replace('Z', '000')

  test('reads all in many batches, then nothing new, in no time and without a commit', async () => {
    await table('first', 1000, { batch: { rows: 100, bytes: 1 << 20 } })
    const first = await under.run('first')
    expect(first.report).toMatchObject({
      status: 'success',
      rows: { read: 1000, created: 1000 },
      watermark: { to: at(1000) },
    })
    const started = performance.now()
    const second = await under.run('first')
    expect(performance.now() - started).toBeLessThan(3000)
    expect(second.report).toMatchObject({ status: 'success', rows: { read: 0 }, watermark: { from: at(1000) } })
    const { events } = await second.handle.fetchHistory()
    expect(events!.length).toBeLessThanOrEqual(31)
    // Nothing stays in the stage.
    expect(await readdir(path.join(under.folder, 'stage/first'))).toEqual([])
  })

  test('no id, name or payload of an account is in the history', async () => {
    await table('private', 200, { batch: { rows: 50, bytes: 1 << 20 } })
    await under.source.query(
      `insert into private values ('2026-02-01', 'private-bad', '', '{"region": "Hidden"}', false), (null, 'private-null', 'Secret', '{}', false)`,
    )
    const { handle, report } = await under.run('private')
    expect(report).toMatchObject({ status: 'partial', rows: { read: 202, created: 200, rejected: 2 } })
    const history = historyToJSON(await handle.fetchHistory())
    const decoded = history.replace(/"data": ?"([^"]+)"/g, (_, data) => Buffer.from(data, 'base64').toString())
    expect(decoded).toContain('private')
    expect(decoded).not.toMatch(/Secret|Hidden|private-\d|private-bad|private-null/)
  })

  test('between segments it continues as new; each row is read once', async () => {
    await table('segmented', 300, { batch: { rows: 20, bytes: 1 << 20 } })
    await worker.stop()
    worker = await under.startWorker({ batchesPerSegment: 4 })
    const { report, handle } = await under.run('segmented')
    await worker.stop()
    worker = await under.startWorker()
    expect(report).toMatchObject({
      status: 'success',
      rows: { read: 300, created: 300 },
      run_id: handle.firstExecutionRunId,
    })
    expect((await under.client.workflow.getHandle('sync/segmented/manual').describe()).runId).not.toBe(
      handle.firstExecutionRunId,
    )
  })

  test('§5: a row that comes late at exactly the watermark is read', async () => {
    await table('ties', 3)
    await under.run('ties')
    await under.source.query(`insert into ties values ('2026-01-01 00:00:03', 'late', 'Late', '{}', false)`)
    expect((await under.run('ties')).report).toMatchObject({ rows: { read: 2, created: 1, unchanged: 1 } })
    expect((await under.run('ties')).report).toMatchObject({ rows: { read: 0 } })
    // Fewer rows there count as another number too.
    await under.source.query(`delete from ties where id = 'late'`)
    expect((await under.run('ties')).report).toMatchObject({ rows: { read: 1, unchanged: 1 } })
    expect((await under.run('ties')).report).toMatchObject({ rows: { read: 0 } })
  })

  test('§2: rows without a usable UPDATED_AT are rejected by each run until they are mended', async () => {
    await table('timeless', 2)
    await under.source.query(
      `insert into timeless values (null, 'n', 'N', '{}', false), ('infinity', 'i', 'I', '{}', false), ('-infinity', 'm', 'M', '{}', false), ('0044-03-15 BC', 'b', 'B', '{}', false)`,
    )
    for (const read of [6, 4]) {
      const { report } = await under.run('timeless')
      expect(report).toMatchObject({
        status: 'partial',
        rows: { read, rejected: 4 },
        rejected: { missing_updated_at: 1, invalid_updated_at: 3 },
      })
    }
    expect(await listQuarantine(under.store, { sync: 'timeless', limit: 10 })).toHaveLength(4)
    await under.source.query(`update timeless set updated_at = '2026-01-02' where id in ('n', 'i', 'm', 'b')`)
    expect((await under.run('timeless')).report).toMatchObject({ status: 'success', rows: { read: 4, created: 4 } })
  })

  test('§5: a view whose UPDATED_AT is CURRENT_TIMESTAMP is read whole, once a run, with a warning', async () => {
    await table('volatile_base', 70)
    await under.source.query(
      'create view volatile_view as select current_timestamp as updated_at, id, name, payload, deleted from volatile_base',
    )
    await under.deploy('volatile', { source: { table: 'volatile_view' }, batch: { rows: 10, bytes: 1 << 20 } })
    const first = await under.run('volatile')
    expect(first.report).toMatchObject({
      status: 'success',
      rows: { read: 70, created: 70 },
      warnings: [{ code: 'volatile_updated_at' }],
    })
    expect((await under.run('volatile')).report).toMatchObject({
      rows: { read: 70, unchanged: 70 },
      warnings: [{ code: 'volatile_updated_at' }],
    })
  })

  test('§5: an UPDATED_AT in the future moves the watermark there, with a warning', async () => {
    await table('future', 2)
    await under.source.query(`insert into future values ('2999-01-01', 'f', 'F', '{}', false)`)
    expect((await under.run('future')).report).toMatchObject({
      status: 'success',
      rows: { read: 3 },
      warnings: [{ code: 'future_updated_at' }],
    })
    expect(await under.watermark('future')).toBe('2999-01-01 00:00:00.000000')
  })

  test('§5: lookback reads so much again, and unchanged rows cost no write', async () => {
    await table('lookback', 30, { lookbackMs: 10_000, batch: { rows: 3, bytes: 1 << 20 } })
    await under.run('lookback')
    await under.source.query(
      `insert into lookback values ('2026-01-01 00:00:25.5', 'lookback-late', 'Late', '{}', false)`,
    )
    expect((await under.run('lookback')).report).toMatchObject({ rows: { read: 12, created: 1, unchanged: 11 } })
    expect(await under.watermark('lookback')).toBe(at(30))
  })

  test('§4: at one UPDATED_AT a deletion wins, also over another batch', async () => {
    await under.deploy('deletions', { source: { table: 'deletions' }, batch: { rows: 3, bytes: 1 << 20 } })
    await under.source.query(`
      create table deletions (updated_at timestamptz, id text, name text, payload jsonb, deleted boolean);
      insert into deletions select '2026-01-01', 'd' || i % 5, 'D', '{}', i % 2 = 1 from generate_series(0, 19) i`)
    const { report } = await under.run('deletions')
    expect(report).toMatchObject({ status: 'success', rows: { read: 20 } })
    const { rows } = await under.store.query(`select id from sluice.account where id like 'd_'`)
    expect(rows).toEqual([])
  })

  test('§7: rows_per_run ends the run at a committed point, and the next goes on', async () => {
    await table('limited', 50, {
      batch: { rows: 10, bytes: 1 << 20 },
      limits: { rowsPerRun: 25, queryTimeoutMs: 60_000, retryForMs: 60_000 },
    })
    expect((await under.run('limited')).report).toMatchObject({
      status: 'limit_exceeded',
      rows: { read: 25 },
      error: { code: 'rows_limit' },
      watermark: { to: at(25) },
    })
    expect((await under.run('limited')).report).toMatchObject({ status: 'success', rows: { read: 25 } })
    expect((await under.run('limited')).report).toMatchObject({ status: 'success', rows: { read: 0 } })
  })

  test('§2: past the stop threshold the run stops before the next commit', async () => {
    await table('rejecting', 40, { batch: { rows: 10, bytes: 1 << 20 }, stopWhen: { rejectedRows: 5 } })
    await under.source.query(`update rejecting set name = '' where updated_at > '2026-01-01 00:00:20'`)
    const { report } = await under.run('rejecting')
    expect(report).toMatchObject({
      status: 'error',
      error: { code: 'too_many_rejected' },
      rows: { read: 30, rejected: 10 },
    })
    expect(await under.watermark('rejecting')).toBeUndefined()
  })

  test('§7: what a person must mend is in the report, and the next run after it goes on', async () => {
    await under.deploy('mended', { source: { table: 'not_there_yet' } })
    const { report } = await under.run('mended')
    expect(report).toMatchObject({
      status: 'config_error',
      error: { code: 'object_missing', remedy: expect.any(String) },
    })
    await table('not_there_yet', 3)
    expect((await under.run('mended')).report).toMatchObject({ status: 'success', rows: { read: 3 } })
  })

  test('§7: a run that was terminated does not hold its sync for ever; a running one does', async () => {
    await table('held', 3)
    const first = await under.start('held')
    await first.signal('pause', { reason: 'test', by: 'test' })
    await vi.waitFor(async () => expect(await first.query('progress')).toMatchObject({ phase: 'paused' }), {
      timeout: 20_000,
      interval: 100,
    })
    const other = await under.client.workflow.execute('syncRun', {
      workflowId: 'sync/held/scheduled',
      taskQueue: 'sluice-run',
      args: [{ sync: 'held', kind: 'scheduled' }],
    })
    expect(other).toEqual({
      outcome: 'skipped',
      reason: 'another job is in progress',
      holder: first.firstExecutionRunId,
    })
    await first.terminate()
    expect((await under.run('held')).report).toMatchObject({ status: 'success', rows: { read: 3 } })
  })

  test('a worker that stops in the middle hands over: every row is read once', async () => {
    await table('handed', 400, { batch: { rows: 10, bytes: 1 << 20 } })
    const handle = await under.start('handed')
    await vi.waitFor(
      async () =>
        expect((await handle.query<{ batchesApplied: number }>('progress')).batchesApplied).toBeGreaterThan(3),
      { timeout: 20_000, interval: 20 },
    )
    await worker.stop()
    worker = await under.startWorker()
    expect(await handle.result()).toMatchObject({ status: 'success' })
    // The next attempt did not wait for the time-out of a heartbeat.
    const { events } = await handle.fetchHistory()
    const failures = events!.flatMap(({ activityTaskStartedEventAttributes: started }) => started?.lastFailure ?? [])
    expect(failures.map((failure) => failure.applicationFailureInfo?.type)).toContain('WorkerShutdown')
    expect(failures.filter((failure) => failure.timeoutFailureInfo)).toEqual([])
    const { rows } = await under.store.query(
      `select count(*)::int as accounts from sluice.account where id like 'handed-%'`,
    )
    expect(rows).toEqual([{ accounts: 400 }])
  })

  test('a staged batch that was damaged is read again from the source', async () => {
    await table('damaged', 100, { batch: { rows: 10, bytes: 1 << 20 } })
    await worker.stop()
    const { stage } = under.dependencies
    let reads = 0
    const damaging = {
      ...stage,
      read: (ref: Parameters<typeof stage.read>[0]) => {
        if (++reads === 4) throw new SluiceError('stage_corrupt')
        return stage.read(ref)
      },
    }
    const damagingWorker = await under.startWorker({ stage: damaging })
    const { report } = await under.run('damaged')
    expect(report).toMatchObject({ status: 'success', rows: { read: 100, created: 100 }, watermark: { to: at(100) } })
    await damagingWorker.stop()
    worker = await under.startWorker()
  })
})
