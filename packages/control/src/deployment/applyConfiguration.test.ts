import { expect, test } from 'vitest'
import { type Configuration, parseConfiguration } from '../config/parseConfiguration.ts'
import { refusalOf } from './applyConfiguration.ts'
import { planDeployment } from './planDeployment.ts'

const configured = (text: string): Configuration => parseConfiguration(new TextEncoder().encode(text), '/sluice.yaml')

const connections = 'connections: { w: { type: postgres, host: h, database: d, user: u, password: { env: P } } }\n'
const syncs =
  'syncs: { a: { connection: w, source: { table: t }, schedule: { every: 15m } }, b: { connection: w, source: { table: t } } }\n'
const before = `schema: { fields: { x: string } }\n${connections}${syncs}`
const moreFields = before.replace('x: string', 'x: string, y: string')
const fewerFields = before.replace('x: string', 'y: string')

interface Situation {
  to: string
  firstSchema?: boolean
  paused?: boolean
  open?: Record<string, 'running' | 'paused'>
  accounts?: number
}

function codeOf({ to, firstSchema = false, paused = false, open = {}, accounts = 0 }: Situation): string | undefined {
  const { fields, ...rest } = configured(before)
  const deployment = { ...rest, quota: {}, ...(!firstSchema && { schema: { version: 1, fields: fields! } }) }
  const configuration = configured(to)
  const schedules = new Map([['a', { schedule: { everyMs: 900_000 }, paused }]])
  const openRuns = new Map(
    Object.entries(open).map(([sync, status]) => [sync, { runId: 'r', workflowId: 'w', status }]),
  )
  return refusalOf(planDeployment(configuration, { deployment, schedules }), {
    configuration,
    deployment,
    schedules,
    openRuns,
    accounts,
  })?.code
}

test.each<[rule: string, situation: Situation, code: string | undefined]>([
  ['§8: the first schema is no change', { to: before, firstSchema: true }, undefined],
  ['§8: the schema stays while a sync is scheduled', { to: moreFields }, 'syncs_in_the_way'],
  ['§8: the schema changes once the schedule is paused', { to: moreFields, paused: true }, undefined],
  [
    '§8: the schema stays while a run by hand is in progress',
    { to: moreFields, paused: true, open: { b: 'running' } },
    'syncs_in_the_way',
  ],
  ['§8: a run that stands still is not in the way', { to: moreFields, paused: true, open: { a: 'paused' } }, undefined],
  ['a field whose values are stored stays', { to: fewerFields, paused: true, accounts: 1 }, 'field_removal'],
  ['a field goes while no account exists', { to: fewerFields, paused: true }, undefined],
  ['a sync that runs stays', { to: connections, open: { b: 'running' } }, 'sync_is_running'],
  ['a sync whose run is paused stays', { to: connections, open: { b: 'paused' } }, 'sync_is_running'],
  ['syncs that do not run go', { to: connections }, undefined],
  [
    'other settings may change while syncs run',
    { to: before.replace('source: { table: t } }', 'source: { table: t }, lookback: 5m }'), open: { a: 'running' } },
    undefined,
  ],
])('%s', (_, situation, code) => {
  expect(codeOf(situation)).toBe(code)
})
