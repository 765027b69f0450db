import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeOn } from '../servers/address.ts'
import { type OwnTemporal, ownTemporal } from '../servers/temporal.ts'
import { type DeploymentUnderTest, deploy } from './deploymentUnderTest.ts'

const describeOnServers = await describeOn('postgres', 'temporal')
const rows = 1_000_000

describeOnServers('1,000,000 rows', () => {
  let temporal: OwnTemporal
  let sluice: DeploymentUnderTest
  beforeAll(async () => {
    // Both, or the server lets large payloads through.
    temporal = await ownTemporal({ 'limit.blobSize.warn': 32_768, 'limit.blobSize.error': 65_536 })
    sluice = await deploy({ temporal })
    await sluice.source.query(`
      create table accounts_sync as
      select timestamptz '2026-01-01 00:00:00.123457+00' + ((i - 1) / 10) * interval '700001 microseconds' as updated_at,
        'secret-id-' || i as id, 'Secret Name ' || i as name,
        format('{"plan":"secret-plan","seats":%s,"note":"secret-note-%s","x_unknown":%s}', i, i, i) as payload, i % 1000 = 7 as deleted
      from generate_series(1, ${rows}) i`)
    await sluice.source.query('create index on accounts_sync (updated_at)')
  }, 300_000)
  afterAll(async () => {
    await sluice?.stop()
    await temporal?.stop()
  })

  test('nothing large in Temporal, and no id, name or payload of an account in any history', {
    timeout: 600_000,
  }, async () => {
    await sluice.configure(`
schema: { fields: { plan: string, seats: integer, note: string } }
connections:
  warehouse: ${sluice.connection()}
syncs:
  crm: { connection: warehouse, source: { table: public.accounts_sync } }
`)
    const answer = await sluice.sluice('sync', 'run', 'crm', '--wait', '--json')
    expect(answer.json).toMatchObject({
      status: 'success',
      rows: { read: rows, created: rows - rows / 1000, ignored: rows / 1000 },
      dropped_fields: { x_unknown: rows - rows / 1000 },
    })
    expect(answer.code).toBe(0)
    expect((await sluice.sluice('usage', '--recount', '--json')).json).toEqual(
      (await sluice.sluice('usage', '--json')).json,
    )

    const list = JSON.parse(await sluice.temporal.cli('workflow', 'list', '--output', 'json')) as {
      execution: { workflowId: string; runId: string }
    }[]
    expect(list.length).toBeGreaterThan(0)
    for (const { execution } of list) {
      const history = await sluice.temporal.cli(
        'workflow',
        'show',
        '--workflow-id',
        execution.workflowId,
        '--run-id',
        execution.runId,
        '--output',
        'json',
      )
      const text = history + decodedPayloads(history)
      expect(text).toContain('public.accounts_sync')
      expect(text.toLowerCase()).not.toContain('secret')
      const largest = Math.max(
        ...(JSON.parse(history) as { events: object[] }).events.map((event) => JSON.stringify(event).length),
      )
      expect(largest).toBeLessThan(32_768)
    }
  })
})

/** Payloads that the CLI leaves in base64. */
function decodedPayloads(history: string): string {
  return [...history.matchAll(/"data": ?"([A-Za-z0-9+/=]+)"/g)]
    .map(([, data]) => Buffer.from(data!, 'base64').toString())
    .join('\n')
}
