import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeOn } from '../servers/address.ts'
import { type DeploymentUnderTest, deploy } from './deploymentUnderTest.ts'

const describeOnServers = await describeOn('postgres', 'temporal')

describeOnServers('sync preview', () => {
  let sluice: DeploymentUnderTest
  beforeAll(async () => {
    sluice = await deploy()
    await sluice.source.query(`
      create table accounts (updated_at timestamptz, id text, name text, payload text, deleted boolean);
      insert into accounts values
        ('2026-01-01', 'same', 'Same', '{"n": 1}', false),
        ('2026-01-01', 'other', 'Other', '{"n": 1}', false)`)
    await sluice.configure(`
schema: { fields: { n: number, plan: string } }
connections:
  warehouse: ${sluice.connection()}
syncs:
  crm: { connection: warehouse, source: { table: public.accounts } }
`)
    await sluice.sluice('sync', 'run', 'crm', '--wait')
    await sluice.source.query(`
      update accounts set updated_at = '2026-01-02 00:00:01';
      update accounts set payload = '{"n": 12345678901234567890.10}' where id = 'other';
      insert into accounts values
        ('2026-01-02 00:00:02', 'new', 'New', '{"n": "7", "x": 1}', false),
        ('2026-01-02 00:00:03', 'twice', 'Twice', '{"n": 1}', false),
        ('2026-01-02 00:00:04', 'twice', 'Twice', '{"plan": "b"}', false),
        ('2026-01-02 00:00:05', 'gone', null, null, true),
        ('2026-01-02 00:00:06', 'bad', 'Bad', '[]', false)`)
  })
  afterAll(() => sluice?.stop())

  test('§11 shows what the next run would do to each row, and writes nothing', async () => {
    const { json } = await sluice.sluice('sync', 'preview', 'crm', '--json')
    // biome-ignore lint/suspicious/noExplicitAny: as JSON has it
    const rows: any[] = json.rows
    expect(
      Object.fromEntries(rows.map(({ id, updated_at, ...rest }) => [`${id} ${updated_at.slice(-4, -3)}`, rest])),
    ).toEqual({
      'same 1': { outcome: 'unchanged' },
      'other 1': { outcome: 'updated', attributes: '{"n": 12345678901234567890.10}' },
      'new 2': {
        outcome: 'created',
        attributes: '{"n": 7}',
        dropped_fields: ['x'],
        converted: [{ field: 'n', from: '"7"', to: '7' }],
      },
      'twice 3': { outcome: 'merged' },
      'twice 4': { outcome: 'created', attributes: '{"n": 1, "plan": "b"}' },
      'gone 5': { outcome: 'ignored' },
      'bad 6': { outcome: 'rejected', code: 'invalid_payload', sentence: expect.any(String) },
    })
    expect((await sluice.sluice('account', 'count', '--json')).json).toEqual({ accounts: 2 })

    const { stdout } = await sluice.sluice('sync', 'preview', 'crm')
    expect(stdout).toMatch(/^table public\.accounts, after 2026-01-01T00:00:00\.000000Z, .*: the first 7 rows$/m)
    expect(stdout).toMatch(/^2026-01-02T00:00:05Z +gone +ignored +– +no such account$/m)
  })
})
