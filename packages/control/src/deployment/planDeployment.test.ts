import { describe, expect, test } from 'vitest'
import { type Configuration, parseConfiguration } from '../config/parseConfiguration.ts'
import type { Deployed } from './planDeployment.ts'
import { lossyFields, planDeployment } from './planDeployment.ts'

const head = 'connections:\n  w: { type: postgres, host: h, database: d, user: u, password: { env: P } }\n'

function configured(text: string): Configuration {
  return parseConfiguration(new TextEncoder().encode(text), '/sluice.yaml')
}

/** As if the file had been applied, through the store's JSON. */
function deployed(text: string, paused: string[] = []): Deployed {
  const { fields, connections, syncs, quota } = configured(text)
  return {
    deployment: JSON.parse(
      JSON.stringify({ ...(fields && { schema: { version: 1, fields } }), connections, syncs, quota: quota ?? {} }),
    ),
    schedules: new Map(
      Object.entries(syncs).flatMap(([name, { schedule }]) =>
        schedule ? [[name, { schedule, paused: paused.includes(name) }]] : [],
      ),
    ),
  }
}

const fields = (text: string) => configured(`schema: { fields: ${text} }`).fields!

const full = `schema: { fields: { a: string, o: { type: object, fields: { b: integer } } } }
${head}syncs:
  crm: { connection: w, source: { table: t }, schedule: { every: 15m }, notify: [{ webhook: { env: HOOK }, on: [error] }] }
  night: { connection: w, source: { table: t }, schedule: { cron: "0 2 * * *" } }
store: { quota: { accounts: 5 } }
`

const changesOf = (from: string, to: string) =>
  planDeployment(configured(to), deployed(from)).map(
    ({ action, what, name, details, note }) =>
      `${{ add: '+', change: '~', remove: '-' }[action]} ${what} ${name}${details.map(({ key, from, to }) => ` ${key}: ${from ?? ''}→${to ?? ''}`).join()}${note ? ` (${note})` : ''}`,
  )

describe('plan', () => {
  test('what was applied once differs in nothing', () => {
    expect(changesOf(full, full)).toEqual([])
    expect(
      changesOf(
        full,
        full.replace(
          'a: string, o: { type: object, fields: { b: integer } }',
          'o: { fields: { b: integer }, type: object }, a: { type: string }',
        ),
      ),
    ).toEqual([])
  })

  test('a file that does not speak of the schema leaves it alone', () => {
    expect(changesOf(full, full.slice(full.indexOf('\n') + 1))).toEqual([])
  })

  test.each([
    ['a field more', 'a: string,', 'a: string, c: number,', ['+ field c type: →number']],
    ['an inner field of another type', 'b: integer', 'b: string', ['~ field o.b type: integer→string']],
    ['a field fewer', 'a: string, ', '', ['- field a type: string→']],
    [
      'a required field',
      'a: string,',
      'a: { type: string, required: true },',
      ['~ field a type: string→string, required'],
    ],
    ['a host', 'host: h', 'host: other', ['~ connection w host: h→other']],
    ['a lookback', 'crm: {', 'crm: { lookback: 10m,', ['~ sync crm lookback: 0s→10m']],
    [
      'another table',
      'crm: { connection: w, source: { table: t }',
      'crm: { connection: w, source: { table: u }',
      ['~ sync crm source: { table: t }→{ table: u } (another source: the next run reads it from the beginning)'],
    ],
    ['another interval', 'every: 15m', 'every: 1h', ['~ schedule crm times: every 15m→every 1h']],
    [
      'another zone',
      'cron: "0 2 * * *"',
      'cron: "0 2 * * *", time_zone: Asia/Tokyo',
      ['~ schedule night times: cron 0 2 * * * (UTC)→cron 0 2 * * * (Asia/Tokyo)'],
    ],
    ['no schedule', ', schedule: { cron: "0 2 * * *" }', '', ['- schedule night times: cron 0 2 * * * (UTC)→']],
    [
      'a sync fewer',
      '  night: { connection: w, source: { table: t }, schedule: { cron: "0 2 * * *" } }\n',
      '',
      [
        '- sync night (its watermark goes; the accounts it brought stay)',
        '- schedule night times: cron 0 2 * * * (UTC)→',
      ],
    ],
    ['no quota', 'store: { quota: { accounts: 5 } }\n', '', ['- quota accounts accounts: 5→']],
  ])('%s', (_, from, to, expected) => {
    expect(full).toContain(from)
    expect(changesOf(full, full.replace(from, to))).toEqual(expected)
  })

  test('a schedule that somebody removed or changed in Temporal comes back', () => {
    const { deployment } = deployed(full)
    const changes = planDeployment(configured(full), { deployment, schedules: new Map([['night', { paused: false }]]) })
    expect(changes.map(({ action, what, name }) => `${action} ${what} ${name}`)).toEqual([
      'add schedule crm',
      'change schedule night',
    ])
  })
})

describe('§8: fields whose stored values would no longer fit', () => {
  test.each([
    ['{ a: string }', '{ a: string, b: string }', []],
    ['{ a: string }', '{ a: { type: string, required: true } }', []],
    ['{ a: string, b: string }', '{ b: string }', ['a']],
    ['{ a: string }', '{ a: integer }', ['a']],
    ['{ a: integer }', '{ a: number }', []],
    ['{ a: number }', '{ a: integer }', ['a']],
    ['{ a: { type: array, of: integer } }', '{ a: { type: array, of: number } }', []],
    ['{ a: { type: array, of: integer } }', '{ a: integer }', ['a']],
    ['{ o: { type: object, fields: { a: integer } } }', '{ o: { type: object, fields: { a: number } } }', []],
    ['{ a: { type: array, of: string } }', '{ a: { type: array, of: integer } }', ['a']],
    ['{ o: object }', '{ o: { type: object, fields: { a: string } } }', ['o']],
    ['{ o: { type: object, fields: { a: string } } }', '{ o: object }', []],
    [
      '{ o: { type: object, fields: { a: string, b: string } } }',
      '{ o: { type: object, fields: { a: string } } }',
      ['o.b'],
    ],
    ['{ o: object }', '{ o: { type: object, merge: deep } }', []],
  ])('%s to %s: %j', (from, to, expected) => {
    expect(lossyFields(fields(from), fields(to))).toEqual(expected)
  })
})
