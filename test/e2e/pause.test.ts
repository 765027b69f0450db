import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeOn } from '../servers/address.ts'
import { type DeploymentUnderTest, deploy } from './deploymentUnderTest.ts'

const describeOnServers = await describeOn('postgres', 'temporal')
const rows = 20_000

describeOnServers('a run steered from the Temporal CLI', () => {
  let sluice: DeploymentUnderTest
  beforeAll(async () => {
    sluice = await deploy()
    await sluice.source.query(`
      create table accounts as
      select timestamptz '2026-01-01' + i * interval '1 second' as updated_at, i::text as id, 'N' as name, '{"plan":"a"}' as payload
      from generate_series(1, ${rows}) i;
      create index on accounts (updated_at);
      -- Slow enough to be met in the middle: the index yields the rows one by one.
      create function slowly(id text) returns text language plpgsql as $$ begin if id::int % 100 = 0 then perform pg_sleep(0.02); end if; return id; end $$;
      create view accounts_slow as select updated_at, slowly(id) as id, name, payload from accounts`)
    await sluice.configure(`
schema: { fields: { plan: string } }
connections:
  warehouse: ${sluice.connection()}
syncs:
  crm: { connection: warehouse, source: { table: public.accounts_slow }, batch: { rows: 1000 } }
`)
  })
  afterAll(() => sluice?.stop())

  const workflow = ['--workflow-id', 'sync/crm/manual']
  const temporal = (...args: string[]) => sluice.temporal.cli('workflow', ...args)
  const progress = async () => {
    const answer = JSON.parse(await temporal('query', ...workflow, '--type', 'progress', '--output', 'json'))
    return answer.queryResult?.[0] ?? answer.QueryResult?.[0] ?? answer
  }
  /** Of the run that runs now; a run that ended answers the query, too. */
  const applied = async (): Promise<number> => {
    const now = await progress().catch(() => undefined)
    return now?.phase === 'running' ? now.rowsApplied : 0
  }
  const openQueries = async () =>
    (
      await sluice.source.query(
        "select count(*)::int as n from pg_stat_activity where datname = current_database() and application_name like 'sluice%' and state <> 'idle'",
      )
    ).rows[0].n

  test('§8 signal pause stops it at a batch boundary with no query open, what is applied is committed; resume lets it end', async () => {
    const run = sluice.sluice('sync', 'run', 'crm', '--wait', '--json')
    await expect.poll(applied, { timeout: 30_000 }).toBeGreaterThan(2000)
    await temporal('signal', ...workflow, '--name', 'pause', '--input', '{"reason":"new fields","by":"ops"}')
    await expect.poll(async () => (await progress()).phase, { timeout: 30_000 }).toBe('paused')

    const paused = await progress()
    expect(paused).toMatchObject({ paused: { reason: 'new fields', by: 'ops' } })
    expect(paused.rowsApplied % 1000).toBe(0)
    expect(paused.rowsApplied).toBeLessThan(rows)
    await expect.poll(openQueries, { timeout: 10_000 }).toBe(0)
    const [report] = (await sluice.sluice('run', 'list', '--json')).lines
    expect(report).toMatchObject({ status: 'paused', rows: { read: paused.rowsApplied, created: paused.rowsApplied } })
    const watermark = (await sluice.sluice('watermark', 'show', 'crm', '--json')).json
    const [{ n }] = (
      await sluice.source.query('select count(*)::int as n from accounts where updated_at <= $1::timestamptz', [
        `${watermark.updated_at}+00`,
      ])
    ).rows
    expect(n).toBe(paused.rowsApplied)
    await expect
      .poll(() => temporal('list', '--query', 'SluiceSync = "crm" and SluiceStatus = "paused"'), { timeout: 10_000 })
      .toContain('sync/crm/manual')

    // It survives the loss of its worker.
    sluice.worker!.kill('SIGKILL')
    await sluice.startWorker()
    expect((await progress()).phase).toBe('paused')
    await temporal('signal', ...workflow, '--name', 'resume', '--input', '{"by":"ops"}')
    const answer = await run
    expect(answer.json).toMatchObject({ status: 'success', rows: { read: rows, created: rows } })
  })

  test('§7 cancel from the Temporal CLI keeps and commits what is applied; the next run goes on from there', async () => {
    await sluice.store.query(
      'truncate sluice.account; update sluice.usage set accounts = 0, bytes = 0; delete from sluice.watermark',
    )
    const run = sluice.sluice('sync', 'run', 'crm', '--wait', '--json')
    await expect.poll(applied, { timeout: 30_000 }).toBeGreaterThan(2000)
    await temporal('cancel', ...workflow)
    const answer = await run
    expect(answer.code).toBe(7)
    expect(answer.json).toMatchObject({ status: 'cancelled' })
    const kept = answer.json.rows.created
    expect(kept).toBeGreaterThan(2000)
    expect(kept).toBeLessThan(rows)
    expect((await sluice.sluice('sync', 'run', 'crm', '--wait', '--json')).json).toMatchObject({
      status: 'success',
      rows: { read: rows - kept, created: rows - kept },
    })
  })

  test('§4 after a terminate the next run takes over cleanly', async () => {
    await sluice.store.query(
      'truncate sluice.account; update sluice.usage set accounts = 0, bytes = 0; delete from sluice.watermark',
    )
    const first = sluice.sluice('sync', 'run', 'crm', '--wait', '--json')
    await expect.poll(applied, { timeout: 30_000 }).toBeGreaterThan(1000)
    await temporal('terminate', ...workflow)
    expect((await first).code).toBe(5)
    const second = await sluice.sluice('sync', 'run', 'crm', '--wait', '--json')
    expect(second.json).toMatchObject({ status: 'success' })
    expect((await sluice.sluice('account', 'count', '--json')).json).toEqual({ accounts: rows })
    expect((await sluice.sluice('usage', '--recount', '--json')).json).toEqual(
      (await sluice.sluice('usage', '--json')).json,
    )
    expect((await sluice.sluice('run', 'list', '--json')).lines[1]).toMatchObject({
      status: 'error',
      error: { code: 'run_lost' },
    })
  })
})
