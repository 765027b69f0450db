import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeOn } from '../servers/address.ts'
import { type DeploymentUnderTest, deploy } from './deploymentUnderTest.ts'

const describeOnServers = await describeOn('postgres', 'temporal')

describeOnServers('bad input', () => {
  let sluice: DeploymentUnderTest
  beforeAll(async () => {
    sluice = await deploy()
    await sluice.source.query(`
      create table accounts (updated_at timestamptz, id text, name text, payload jsonb, deleted boolean);
      insert into accounts values (now() - interval '1 day', '1', 'One', '{"plan":"a"}', false);
      create table no_id (updated_at timestamptz, name text);
      create table text_time (updated_at text, id text, name text);
      create view casts as select updated_at, id, name, ('{"n":' || (id || 'x-secret-value')::int || '}')::jsonb as payload from accounts`)
    const user = `stranger_${Date.now()}`
    await sluice.source.query(`create role ${user} login password 'known'; grant usage on schema public to ${user}`)
    stranger = user
  })
  afterAll(() => sluice?.stop())
  let stranger: string

  const yaml = (connection: string, source = '{ table: public.accounts }') => `
schema: { fields: { plan: string } }
connections:
  warehouse: ${connection}
syncs:
  crm: { connection: warehouse, source: ${source} }
`
  const run = () => sluice.sluice('sync', 'run', 'crm', '--wait', '--json')

  test.each<[string, () => string, string, RegExp]>([
    ['a wrong password', () => yaml(sluice.connection({ user: stranger })), 'authentication_failed', /password/i],
    [
      'a database that does not exist',
      () => yaml(sluice.connection({ database: 'nowhere' })),
      'database_missing',
      /nowhere/,
    ],
    ['a missing table', () => yaml(sluice.connection(), '{ table: public.nothing }'), 'object_missing', /nothing/],
    ['a missing column', () => yaml(sluice.connection(), '{ table: public.no_id }'), 'column_missing', /ID/],
    [
      'a wrong type of UPDATED_AT',
      () => yaml(sluice.connection(), '{ table: public.text_time }'),
      'column_type',
      /text/,
    ],
    [
      'a view that cannot compute a value',
      () => yaml(sluice.connection(), '{ table: public.casts }'),
      'source_data_error',
      /22P02/,
    ],
    [
      'two statements as a query',
      () => yaml(sluice.connection(), '{ query: "select 1; drop table accounts" }'),
      'query_invalid',
      /./,
    ],
    [
      'a query that writes',
      () => yaml(sluice.connection(), '{ query: "with d as (delete from accounts returning *) select * from d" }'),
      'query_invalid',
      /./,
    ],
    [
      'an environment variable that is not set',
      () => yaml(sluice.connection({ password: '{ env: NOT_SET_ANYWHERE }' })),
      'secret_missing',
      /NOT_SET_ANYWHERE/,
    ],
    [
      'no permission',
      () => yaml(sluice.connection({ user: stranger, password: '{ file: stranger.txt }' })),
      'permission_denied',
      /accounts/,
    ],
  ])(
    '§7 %s ends at once as config_error, says what to do and loses nothing; after the repair the next run goes on by itself',
    async (_, bad, code, words) => {
      await writeFile(path.join(sluice.folder, 'stranger.txt'), 'known\n')
      await sluice.store
        .query('truncate sluice.account; update sluice.usage set accounts = 0, bytes = 0; delete from sluice.watermark')
        .catch(() => {})
      expect(await sluice.configure(bad())).toMatchObject({ code: 0 })
      const answer = await run()
      expect(answer.json).toMatchObject({
        status: 'config_error',
        error: { code, sentence: expect.stringMatching(words), remedy: expect.stringMatching(/\w+/) },
      })
      expect(answer.code).toBe(3)
      expect(JSON.stringify(answer)).not.toContain('x-secret-value')
      const description = await sluice.temporal.cli(
        'workflow',
        'show',
        '--workflow-id',
        answer.json.workflow_id,
        '--output',
        'json',
      )
      expect(description).toContain(code)
      expect(description).not.toContain('x-secret-value')
      expect((await sluice.source.query('select from accounts')).rowCount).toBe(1)

      expect(await sluice.configure(yaml(sluice.connection()))).toMatchObject({ code: 0 })
      expect((await run()).json).toMatchObject({ status: 'success', rows: { read: 1, created: 1 } })
    },
  )

  test('an unknown key in sluice.yaml is refused with file, line, path and remedy', async () => {
    const answer = await sluice.configure(
      yaml(sluice.connection()).replace(
        'syncs:\n',
        'syncs:\n  bad: { connection: warehouse, source: { table: t }, lookbak: 10m }\n',
      ),
    )
    expect(answer.code).toBe(3)
    expect(answer.stderr).toMatch(/sluice\.yaml:\d+.*syncs\.bad.*lookbak/)
    expect(answer.stderr).toContain('lookback')
  })

  test('a sync that does not exist, a command that does not exist', async () => {
    expect(await sluice.sluice('sync', 'run', 'nowhere', '--wait')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('nowhere'),
    })
    expect(await sluice.sluice('sync', 'dance')).toMatchObject({ code: 2 })
  })

  test('§7 a second run while one runs is refused: another job is in progress', async () => {
    await sluice.source.query(
      'create or replace view slow as select accounts.* from accounts, lateral (select pg_sleep(5)::text as slept) s where slept is not null',
    )
    await sluice.configure(yaml(sluice.connection(), '{ table: public.slow }'))
    const first = run()
    await expect
      .poll(async () => (await sluice.sluice('run', 'list', '--json')).lines[0]?.status, { timeout: 20_000 })
      .toBe('running')
    const second = await run()
    expect(second.code).toBe(8)
    expect(second.stdout + second.stderr).toMatch(/another job is in progress/i)
    expect(await first).toMatchObject({ code: 0 })
  })
})
