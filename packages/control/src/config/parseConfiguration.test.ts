import { describe, expect, test } from 'vitest'
import { parseConfiguration } from './parseConfiguration.ts'
import { ConfigurationProblems } from './problem.ts'

const parse = (text: string | Uint8Array) =>
  parseConfiguration(typeof text === 'string' ? new TextEncoder().encode(text) : text, '/etc/sluice/sluice.yaml')

function problemsOf(text: string | Uint8Array): string[] {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof ConfigurationProblems) return error.message.split('\n')
    throw error
  }
  return []
}

const warehouse = 'connections:\n  w: { type: postgres, host: h, database: d, user: u, password: { env: P } }\n'
const sync = (lines: string) => `${warehouse}syncs:\n  crm:\n    connection: w\n    source: { table: a.b }\n${lines}`

describe('sluice.yaml: what is right', () => {
  test('every key of the documentation is taken, with its units', () => {
    const { fields, connections, syncs, quota } = parse(`
schema:
  fields:
    region: string
    tags: { type: array, of: string }
    retention: { type: object, merge: deep, fields: { previous_purchases: integer, vip: boolean } }
    segment: { type: string, required: true }
    __proto__: integer
    2024: number
    free: object
connections:
  warehouse: { type: postgres, host: db.example.com, port: 5433, database: crm, user: sluice, password: { file: secrets/crm }, tls: require }
  exports: { type: folder, path: ./exports }
syncs:
  crm-accounts:
    connection: warehouse
    source: { table: public.accounts_sync }
    schedule: { cron: "0 6 * * mon-FRI", time_zone: Europe/Paris }
    lookback: 10m
    on_type_mismatch: reject_row
    stop_when: { rejected_rows: 10000, rejected_share: 0.05 }
    batch: { rows: 1000, bytes: 1MiB }
    limits: { rows_per_run: 1000000, query_timeout: 90s, retry_for: 1d }
    notify: [{ webhook: { env: OPS_WEBHOOK }, on: [error, rejected_rows] }]
  files:
    connection: exports
    source: { prefix: "", format: csv }
    schedule: { every: 15m }
store: { quota: { accounts: 10, bytes: 2GiB } }
`)
    expect(fields).toEqual([
      ['region', { type: 'string' }],
      ['tags', { type: 'array', of: 'string' }],
      [
        'retention',
        {
          type: 'object',
          merge: 'deep',
          fields: [
            ['previous_purchases', { type: 'integer' }],
            ['vip', { type: 'boolean' }],
          ],
        },
      ],
      ['segment', { type: 'string', required: true }],
      ['__proto__', { type: 'integer' }],
      ['2024', { type: 'number' }],
      ['free', { type: 'object' }],
    ])
    expect(connections).toEqual({
      warehouse: {
        type: 'postgres',
        host: 'db.example.com',
        port: 5433,
        database: 'crm',
        user: 'sluice',
        password: { file: '/etc/sluice/secrets/crm' },
        tls: 'require',
      },
      exports: { type: 'folder', path: '/etc/sluice/exports' },
    })
    expect(syncs['crm-accounts']).toEqual({
      connection: 'warehouse',
      source: { table: 'public.accounts_sync' },
      schedule: { cron: '0 6 * * mon-FRI', timeZone: 'Europe/Paris' },
      lookbackMs: 600_000,
      onTypeMismatch: 'reject_row',
      overwrites: 'report',
      stopWhen: { rejectedRows: 10000, rejectedShare: 0.05 },
      batch: { rows: 1000, bytes: 1_048_576 },
      limits: { rowsPerRun: 1_000_000, queryTimeoutMs: 90_000, retryForMs: 86_400_000 },
      notify: [{ webhook: { env: 'OPS_WEBHOOK' }, on: ['error', 'rejected_rows'] }],
    })
    expect(syncs.files).toEqual({
      connection: 'exports',
      source: { prefix: '', format: 'csv' },
      schedule: { everyMs: 900_000 },
      lookbackMs: 0,
      onTypeMismatch: 'drop_field',
      overwrites: 'report',
      batch: { rows: 50_000, bytes: 16 * 1024 ** 2 },
      limits: { rowsPerRun: 500_000_000, queryTimeoutMs: 3_600_000, retryForMs: 21_600_000 },
    })
    expect(quota).toEqual({ accounts: 10, bytes: 2 * 1024 ** 3 })
  })

  test('an empty file and emptied sections ask for nothing', () => {
    expect(parse('')).toEqual({ connections: {}, syncs: {} })
    expect(parse('connections:\nsyncs:\nschema:\n')).toEqual({ connections: {}, syncs: {} })
  })

  test('anchors and aliases are written out', () => {
    const { syncs } = parse(
      sync('    limits: &l { query_timeout: 5m }\n  b:\n    connection: w\n    source: { table: c }\n    limits: *l\n'),
    )
    expect(syncs.b?.limits.queryTimeoutMs).toBe(300_000)
  })
})

test('a time zone is taken in any case, and kept as Temporal knows it', () => {
  const { syncs } = parse(sync('    schedule: { cron: "0 6 * * *", time_zone: europe/paris }\n'))
  expect(syncs.crm?.schedule).toEqual({ cron: '0 6 * * *', timeZone: 'Europe/Paris' })
})

test.each(['0 0 29 2 *', '0 0 31 1/2 *', '0 0 30-31 2,4 *', '0 0 */7 2 *'])('the cron line %s comes', (cron) => {
  expect(parse(sync(`    schedule: { cron: "${cron}" }\n`)).syncs.crm?.schedule).toMatchObject({ cron })
})

const wrong: [rule: string, text: string, ...problems: (string | RegExp)[]][] = [
  [
    'an unknown key suggests the nearest',
    sync('    lokback: 10m\n'),
    'sluice.yaml:7: syncs.crm.lokback: there is no such key; did you mean `lookback`?',
  ],
  [
    'an unknown key of a connection suggests the nearest',
    'connections:\n  w: { type: postgres, host: h, databse: d, database: d, user: u, password: { env: P } }\n',
    'sluice.yaml:2: connections.w.databse: there is no such key; did you mean `database`?',
  ],
  [
    'an unknown key without a near one lists what there is',
    'zebra: 1\n',
    'sluice.yaml:1: zebra: there is no such key; expected schema, connections, syncs, store',
  ],
  [
    'an unknown key of a field',
    'schema:\n  fields:\n    a:\n      type: string\n      requird: true\n',
    'sluice.yaml:5: schema.fields.a.requird: there is no such key; did you mean `required`?',
  ],
  [
    'a duration without a unit',
    sync('    lookback: 10\n'),
    'sluice.yaml:7: syncs.crm.lookback: expected a duration such as "10m"',
  ],
  [
    'a duration of another unit',
    sync('    lookback: 10 minutes\n'),
    'sluice.yaml:7: syncs.crm.lookback: expected a duration such as "10m" (s, m, h or d)',
  ],
  [
    'a schedule below five minutes',
    sync('    schedule: { every: 1m }\n'),
    'sluice.yaml:7: syncs.crm.schedule.every: expected a duration from 5m to 31d',
  ],
  [
    'a schedule of both kinds',
    sync('    schedule: { every: 10m, cron: "0 6 * * *" }\n'),
    /syncs\.crm\.schedule: give exactly one of `every` and `cron`/,
  ],
  [
    'a broken cron line',
    sync('    schedule: { cron: "0 25 * * *" }\n'),
    /schedule\.cron: the cron field for the hour takes 0 to 23/,
  ],
  [
    'a cron line that never comes',
    sync('    schedule: { cron: "0 0 30 2 *" }\n'),
    'sluice.yaml:7: syncs.crm.schedule.cron: no month of these has a day 30, so it would never run; mend the day or the month',
  ],
  [
    'an unknown time zone',
    sync('    schedule: { cron: "0 6 * * *", time_zone: Mars/Olympus }\n'),
    /schedule\.time_zone: expected a time zone of the IANA list/,
  ],
  [
    'a size without its unit',
    sync('    batch: { bytes: 16MB }\n'),
    /syncs\.crm\.batch\.bytes: expected a size such as "16MiB"/,
  ],
  [
    'a share above one',
    sync('    stop_when: { rejected_share: 5 }\n'),
    /syncs\.crm\.stop_when\.rejected_share: expected a share from 0 to 1/,
  ],
  [
    'a secret as plain text',
    'connections:\n  w: { type: postgres, host: h, database: d, user: u, password: hunter2 }\n',
    /connections\.w\.password: .*\{ env: NAME \}.*\{ file: path \}/,
  ],
  [
    'a type that is not there',
    'connections:\n  w: { type: postgers, host: h }\n',
    'sluice.yaml:2: connections.w.type: expected postgres or folder',
  ],
  [
    'a missing type',
    'connections:\n  w: { host: h }\n',
    'sluice.yaml:2: connections.w.type: is missing; expected postgres or folder',
  ],
  [
    'a missing option',
    'connections:\n  f:\n    type: folder\n',
    'sluice.yaml:2: connections.f.path: is missing; expected the path of a folder',
  ],
  [
    'a table with a broken quote',
    sync('').replace('a.b', "'\"a.b'"),
    /^sluice\.yaml:6: syncs\.crm\.source\.table: this is no name of a table: it has a quoted part that is not closed.*; write/,
  ],
  [
    'a table of more than three parts',
    sync('').replace('a.b', 'a.b.c.d'),
    /^sluice\.yaml:6: syncs\.crm\.source\.table: this is no name of a table: it has more parts/,
  ],
  [
    'a connection and a sync named __proto__',
    `${warehouse}  __proto__: { type: folder, path: . }\nsyncs:\n  __proto__: { connection: w, source: { table: t } }\n`,
    /^sluice\.yaml:3: connections\.__proto__: only a field .* choose another name$/,
    /^sluice\.yaml:5: syncs\.__proto__: only a field .* choose another name$/,
  ],
  [
    'an upper-case name',
    'syncs:\n  CRM: { connection: w, source: { table: t } }\n',
    /sluice\.yaml:2: syncs\.CRM: a name has 1 to 63/,
  ],
  [
    'an unknown connection',
    `${warehouse}syncs:\n  crm: { connection: ww, source: { table: t } }\n`,
    'sluice.yaml:4: syncs.crm.connection: there is no such connection; did you mean `w`?',
  ],
  [
    'a file source on a warehouse',
    `${warehouse}syncs:\n  crm: { connection: w, source: { prefix: a, format: csv } }\n`,
    /syncs\.crm\.source: a connection of type postgres holds tables/,
  ],
  [
    'two sources',
    `${warehouse}syncs:\n  crm: { connection: w, source: { table: a, query: b } }\n`,
    /syncs\.crm\.source: give exactly one of/,
  ],
  [
    'a missing source',
    `${warehouse}syncs:\n  crm: { connection: w }\n`,
    /syncs\.crm\.source: is missing; expected \{ table/,
  ],
  [
    'an unknown field type',
    'schema: { fields: { a: strin } }\n',
    /schema\.fields\.a\.type: expected string, number, integer/,
  ],
  [
    'an array without items',
    'schema: { fields: { a: array } }\n',
    /schema\.fields\.a\.type: an array says what its items are/,
  ],
  ['an empty field name', 'schema: { fields: { "": string } }\n', /a field name has 1 to 255 characters/],
  [
    'a field name with a control character',
    'schema: { fields: { "a\\u0000": string } }\n',
    /a field name has 1 to 255 characters/,
  ],
  [
    'an inner required field',
    'schema: { fields: { o: { type: object, fields: { a: { type: string, required: true } } } } }\n',
    /schema\.fields\.o\.fields\.a\.required: only a field of the outermost level/,
  ],
  [
    'a key twice',
    'schema:\n  fields:\n    a: string\n    a: integer\n',
    'sluice.yaml:4: schema.fields.a: the key is there twice; keep one of them',
  ],
  [
    'a key twice, once quoted',
    'schema:\n  fields:\n    1: string\n    "1": integer\n',
    'sluice.yaml:4: schema.fields.1: the key is there twice; keep one of them',
  ],
  ['a tab', 'syncs:\n\tcrm: 1\n', 'sluice.yaml:2: a tab may not indent a line; use blanks'],
  ['an open bracket', 'syncs: { crm: 1\n', /sluice\.yaml:\d: .*bracket/],
  [
    'two documents',
    'syncs:\n---\nsyncs:\n',
    'sluice.yaml: the file holds several YAML documents; keep one, without `---` between',
  ],
  ['a tag', 'connections: !hunter2 x\n', /tags \(!name\) are not used here/],
  ['an alias without an anchor', 'connections: *hunter2\n', /an alias/],
  ['a list at the top', '- a\n', 'sluice.yaml:1: expected the keys schema, connections, syncs and store'],
  ['a section of another kind', 'syncs: 7\n', 'sluice.yaml:1: syncs: expected syncs by name'],
  [
    'several problems at once, by line',
    `zebra: 1\n${sync('    lookback: x\n')}`,
    /^sluice.yaml:1: zebra/,
    /^sluice.yaml:8: syncs.crm.lookback/,
  ],
]

describe('sluice.yaml: each problem names file, line, path and remedy', () => {
  test.each(wrong)('%s', (_, text, ...expected) => {
    const problems = problemsOf(text)
    expect(problems).toHaveLength(expected.length)
    for (const [index, problem] of problems.entries()) {
      if (typeof expected[index] === 'string') expect(problem).toBe(expected[index])
      else expect(problem).toMatch(expected[index]!)
      expect(problem).not.toContain('hunter2')
    }
  })

  test('a file that grows beyond bounds when its aliases are written out', () => {
    const lines = ['a0: &a0 [x, x]', ...Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [*a${n}, *a${n}]`)]
    expect(problemsOf(lines.join('\n')).join()).toMatch(/more than 100 aliases/)
    expect(problemsOf('a: &a [*a]\n').join()).toMatch(/aliases|levels/)
  })

  test('a file nested too deeply', () => {
    expect(problemsOf(`a: ${'['.repeat(100_000)}`).join()).toMatch(/nested more than 100 levels|bracket/)
    expect(problemsOf(`a: ${'['.repeat(150)}${']'.repeat(150)}`).join()).toMatch(/nested more than 100 levels/)
  })

  test('a huge file, and one that is not UTF-8', () => {
    expect(problemsOf(new Uint8Array(2 * 1024 * 1024).fill(35))).toEqual([
      'sluice.yaml: the file is larger than 1 MiB, which no configuration needs',
    ])
    expect(problemsOf(Uint8Array.of(0x61, 0x3a, 0xff))).toEqual([
      'sluice.yaml: the file is not UTF-8; save it as UTF-8',
    ])
  })
})
