import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeOn } from '../servers/address.ts'
import { type OwnPostgres, ownPostgres } from '../servers/postgres.ts'
import { type DeploymentUnderTest, deploy } from './deploymentUnderTest.ts'

const describeOnServers = await describeOn('postgres', 'temporal')

describeOnServers('what time can mend', () => {
  let sluice: DeploymentUnderTest
  let source: OwnPostgres
  beforeAll(async () => {
    source = await ownPostgres({ fsync: 'off' })
    const url = new URL(source.url)
    const client = new pg.Client({ connectionString: source.url })
    await client.connect()
    await client.query(
      "create table accounts as select now() - interval '1 day' as updated_at, i::text as id, 'N' as name from generate_series(1, 10) i",
    )
    await client.end()
    sluice = await deploy({ env: { SOURCE_PASSWORD: url.password } })
    await sluice.configure(`
schema: { fields: { plan: string } }
connections:
  warehouse: ${sluice.connection({ port: url.port, user: url.username, database: url.pathname.slice(1) })}
syncs:
  crm: { connection: warehouse, source: { table: public.accounts } }
`)
  })
  afterAll(async () => {
    await sluice?.stop()
    await source?.stop()
  })

  test('§7 a database that is down shows as waiting, with the last failure and the next attempt, everywhere; the run goes on by itself', async () => {
    await source.stop()
    const run = sluice.spawnSluice('sync', 'run', 'crm', '--wait')
    let talk = ''
    let answer = ''
    run.stderr!.setEncoding('utf8').on('data', (text: string) => (talk += text))
    run.stdout!.setEncoding('utf8').on('data', (text: string) => (answer += text))
    await expect.poll(() => talk, { timeout: 30_000 }).toMatch(/waiting/i)
    await expect.poll(() => talk, { timeout: 30_000 }).toMatch(/cannot be reached[\s\S]*next attempt/i)

    const description = JSON.parse(
      await sluice.temporal.cli('workflow', 'describe', '--workflow-id', 'sync/crm/manual', '--output', 'json'),
    )
    expect(JSON.stringify(description.pendingActivities)).toContain('source_unavailable')

    const [report] = (await sluice.sluice('run', 'list', '--json')).lines
    const watch = sluice.spawnSluice('run', 'watch', report.run_id)
    let watched = ''
    for (const stream of [watch.stdout!, watch.stderr!])
      stream.setEncoding('utf8').on('data', (text: string) => (watched += text))
    await expect.poll(() => watched, { timeout: 30_000 }).toMatch(/cannot be reached[\s\S]*next attempt/i)

    const ended = new Promise((resolve) => run.once('close', resolve))
    await source.start()
    expect(await ended).toBe(0)
    expect(answer).toContain('10')
    expect((await sluice.sluice('account', 'count', '--json')).json).toEqual({ accounts: 10 })
  })
})
