import { once } from 'node:events'
import { createServer, connect as netConnect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { openSource } from '@sluice/connectors/openSource'
import type { SyncDefinition } from '@sluice/core/config/syncDefinition'
import { type FaultCode, SluiceError } from '@sluice/core/faults'
import { filterBatch } from '@sluice/core/filter/filterBatch'
import type { CheckStep, ReadRequest, WarehouseSource } from '@sluice/core/source/warehouseSource'
import pg from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { describeOn } from '../servers/address.ts'
import { type TestDatabase, testDatabase } from '../servers/postgres.ts'

type Source = Exclude<SyncDefinition['source'], { prefix: string }>

const describeOnPostgres = await describeOn('postgres')
const signal = new AbortController().signal
const whole: ReadRequest = { withoutTimestamp: true, queryTimeoutMs: 60_000 }

describeOnPostgres('PostgreSQL as a source', () => {
  let database: TestDatabase
  let admin: pg.Client

  beforeAll(async () => {
    database = await testDatabase()
    admin = new pg.Client({ connectionString: database.url })
    await admin.connect()
  })
  afterAll(() => admin.end())

  async function open(
    source: Source | undefined,
    options: object = {},
    url = new URL(database.url),
  ): Promise<WarehouseSource> {
    const opened = await openSource({
      connection: {
        type: 'postgres',
        host: url.hostname,
        port: Number(url.port),
        database: url.pathname.slice(1),
        user: decodeURIComponent(url.username),
        password: { env: 'PASSWORD' },
        tls: 'disable',
        ...options,
      },
      ...(source && { source }),
      env: { PASSWORD: decodeURIComponent(url.password) },
      label: 'test-sync',
    })
    if (opened.kind !== 'warehouse') throw new Error('not a warehouse')
    onTestFinished(() => opened.source.close())
    return opened.source
  }

  /** A table `name` with these rows: SQL literals of updated_at, id, name, payload, deleted. */
  async function table(name: string, rows: string[], updatedAt = 'timestamptz'): Promise<void> {
    await admin.query(
      `CREATE TABLE ${name} (updated_at ${updatedAt}, id text, name text, payload text, deleted boolean)`,
    )
    if (rows.length > 0) await admin.query(`INSERT INTO ${name} VALUES ${rows.join(', ')}`)
  }

  /** A role of its own with a password and these rights. */
  async function role(name: string, ...statements: string[]): Promise<URL> {
    await admin.query(`CREATE ROLE ${name}_${database.name} LOGIN PASSWORD 'p w/ü'`)
    for (const statement of statements) await admin.query(statement.replaceAll('$role', `${name}_${database.name}`))
    return new URL(database.urlAs(`${name}_${database.name}`, 'p w/ü'))
  }

  async function read(source: WarehouseSource, request: Partial<ReadRequest> = {}): Promise<string[]> {
    const chunks: Uint8Array[] = []
    for await (const chunk of source.read({ ...whole, ...request }, signal)) {
      expect(chunk.at(-1)).toBe(0x0a)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString('utf8').split('\n').slice(0, -1)
  }

  async function faultOf(work: Promise<unknown>): Promise<SluiceError> {
    const error = await work.then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(error).toBeInstanceOf(SluiceError)
    return error as SluiceError
  }

  async function steps(source: WarehouseSource, watermark?: string): Promise<CheckStep[]> {
    const found: CheckStep[] = []
    for await (const step of source.check(watermark, signal)) found.push(step)
    return found
  }

  async function backends(): Promise<number> {
    const { rows } = await admin.query(
      "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'sluice test-sync' AND leader_pid IS NULL",
    )
    return rows[0].n
  }

  async function backendsGone(): Promise<void> {
    await expect.poll(backends, { timeout: 10_000, interval: 50 }).toBe(0)
  }

  test('§2 rows come as exact text, ascending by UPDATED_AT, NULL for what is absent', async () => {
    await table('exact', [
      "('2026-01-02 00:00:00.123456+02', 'b', E'tab\\t back\\\\slash\\nline \\u00e9 \\U0001F600', '{\"n\": 9007199254740993, \"m\": 0.10}', true)",
      "('2026-01-01 00:00:00+00', 'a', 'A', NULL, NULL)",
    ])
    expect(await read(await open({ table: 'exact' }))).toEqual([
      '2026-01-01 00:00:00+00\ta\tA\t\\N\t\\N',
      '2026-01-01 22:00:00.123456+00\tb\ttab\\t back\\\\slash\\nline é 😀\t{"n": 9007199254740993, "m": 0.10}\ttrue',
    ])
  })

  test('§5 the next read begins after the watermark; a tie is counted, and read again inclusively', async () => {
    await table(
      'ties',
      ['1', '2', '3', '4'].map(
        (id) => `('2026-01-01 00:00:00.00000${id === '4' ? 2 : 1}+00', '${id}', 'n', '{}', false)`,
      ),
    )
    const source = await open({ table: 'ties' })
    const updatedAt = '2026-01-01 00:00:00.000001'
    expect(await source.countAt(updatedAt, signal)).toBe(3)
    expect(await source.countAt('2026-01-01 00:00:00', signal)).toBe(0)
    expect((await read(source, { from: { updatedAt, inclusive: false } })).map((row) => row.split('\t')[1])).toEqual([
      '4',
    ])
    expect(await read(source, { from: { updatedAt, inclusive: true } })).toHaveLength(4)
    expect(await read(source, { from: { updatedAt: '2026-01-01 00:00:00.000002+00', inclusive: false } })).toEqual([])
    expect(await read(source, { rowsMax: 2 })).toHaveLength(2)
  })

  test.each(["2026-01-01'; DROP TABLE ties; --", 'infinity', '2026-01-01 00:00:00.1234567'])(
    '§5 a watermark that is no exact timestamp is refused: %s',
    async (updatedAt) => {
      await admin.query('CREATE TABLE IF NOT EXISTS guarded (updated_at timestamptz, id text)')
      const source = await open({ table: 'guarded' })
      expect((await faultOf(read(source, { from: { updatedAt, inclusive: false } }))).code).toBe('config_invalid')
      expect((await faultOf(source.countAt(updatedAt, signal))).code).toBe('config_invalid')
    },
  )

  test('§2 rows whose UPDATED_AT is NULL or not of the years 1 to 9999 come first, once, and only if asked for', async () => {
    const outside = ['NULL', "'infinity'", "'-infinity'", "'0044-03-15 00:00:00+00 BC'", "'10000-01-01 00:00:00+00'"]
    const inside = ["'0001-01-01 00:00:00+00'", "'9999-12-31 23:59:59.999999+00'"]
    await table(
      'odd_times',
      [...outside, ...inside].map((at, id) => `(${at}, '${id}', 'n', '{}', false)`),
    )
    const source = await open({ table: 'odd_times' })
    const rows = await read(source)
    expect(
      rows
        .slice(0, 5)
        .map((row) => row.split('\t')[0])
        .sort(),
    ).toEqual(['\\N', 'infinity', '-infinity', '0044-03-15 00:00:00+00 BC', '10000-01-01 00:00:00+00'].sort())
    const finite = ['0001-01-01 00:00:00+00', '9999-12-31 23:59:59.999999+00']
    expect(rows.slice(5).map((row) => row.split('\t')[0])).toEqual(finite)
    expect((await read(source, { withoutTimestamp: false })).map((row) => row.split('\t')[0])).toEqual(finite)
    expect(await read(source, { rowsMax: 6 })).toEqual(rows.slice(0, 6))
  })

  test('§5 a role whose time zone and date style are others reads the same; timestamp without zone is UTC', async () => {
    await table('zoned', ["('2026-07-01 12:00:00+00', 'z', 'n', '{}', false)"])
    await table('naive', ["('2026-07-01 12:00:00.5', 'z', 'n', '{}', false)"], 'timestamp')
    const url = await role(
      'far',
      "ALTER ROLE $role SET TimeZone = 'Asia/Kathmandu'",
      "ALTER ROLE $role SET DateStyle = 'SQL, DMY'",
      'GRANT SELECT ON zoned, naive TO $role',
    )
    const zoned = await open({ table: 'zoned' }, {}, url)
    expect(await read(zoned)).toEqual(['2026-07-01 12:00:00+00\tz\tn\t{}\tfalse'])
    expect(await zoned.countAt('2026-07-01 12:00:00', signal)).toBe(1)
    const naive = await open({ table: 'naive' }, {}, url)
    expect(await read(naive, { from: { updatedAt: '2026-07-01 12:00:00.4', inclusive: false } })).toEqual([
      '2026-07-01 12:00:00.5\tz\tn\t{}\tfalse',
    ])
    expect(await naive.countAt('2026-07-01 12:00:00.500000', signal)).toBe(1)
    const { now, timestampDigits } = await naive.describe(signal)
    expect(now).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/)
    expect(Math.abs(Date.parse(`${now.replace(' ', 'T')}Z`) - Date.now())).toBeLessThan(60_000)
    expect(timestampDigits).toBe(6)
  })

  test.each([
    ['blank and case', 'My Accounts'],
    ['quote', 'say ""hi""'],
    ['dot', 'a.b'],
    ['keyword', 'select'],
    ['not ASCII', 'kontõ_账户'],
    ['injection', "x; DROP TABLE exact; --'"],
    ['percent and dollar', '$1 %s'],
  ])('interfaces §2 an odd name is quoted: %s', async (_, quoted) => {
    await admin.query(`CREATE SCHEMA IF NOT EXISTS "odd.schema"`)
    await table(`"odd.schema"."${quoted}"`, ["('2026-01-01', '1', 'n', '{}', false)"])
    const source = await open({ table: `"odd.schema"."${quoted}"` })
    expect(await read(source)).toHaveLength(1)
    expect((await source.describe(signal)).object).toBe(`table odd.schema.${quoted.replaceAll('""', '"')}`)
  })

  test('interfaces §2 a name of three parts names the database of the connection, or is refused', async () => {
    await table('three', [])
    expect(await read(await open({ table: `${database.name}.public.three` }))).toEqual([])
    expect((await faultOf(open({ table: 'postgres.public.three' }))).code).toBe('config_invalid')
  })

  test('§2 columns are matched without regard to case; hostile names are quoted', async () => {
    await admin.query('CREATE TABLE cased ("Updated_At" timestamptz, "ID" bigint, "x""; --" int, "nAmE" varchar(50))')
    await admin.query(`INSERT INTO cased VALUES ('2026-01-01', 9007199254740993, 1, 'n')`)
    const source = await open({ table: 'cased' })
    expect(await read(source)).toEqual(['2026-01-01 00:00:00+00\t9007199254740993\tn\t\\N\t\\N'])
    expect((await source.describe(signal)).columns).toEqual([
      { name: 'Updated_At', role: 'updated_at', type: 'timestamp with time zone' },
      { name: 'ID', role: 'id', type: 'bigint' },
      { name: 'x"; --', type: 'integer' },
      { name: 'nAmE', role: 'name', type: 'character varying(50)' },
    ])
  })

  test('§2 numbers are exact, as id and in JSON and JSONB', async () => {
    await admin.query(
      'CREATE TABLE numbers (updated_at timestamptz, id numeric, name text, payload jsonb, j json, deleted bit)',
    )
    await admin.query(`INSERT INTO numbers VALUES ('2026-01-01', 9007199254740993, 'n',
      '{"a": 9007199254740993, "b": 0.10, "c": 1e400}', '{"a":9007199254740993,  "b":1e400}', B'1')`)
    expect(await read(await open({ table: 'numbers' }))).toEqual([
      `2026-01-01 00:00:00+00\t9007199254740993\tn\t{"a": 9007199254740993, "b": 0.10, "c": 1${'0'.repeat(400)}}\t1`,
    ])
    expect(await read(await open({ query: 'SELECT updated_at, id, j AS payload FROM numbers' }))).toEqual([
      '2026-01-01 00:00:00+00\t9007199254740993\t\\N\t{"a":9007199254740993,  "b":1e400}\t\\N',
    ])
  })

  test('§2 a payload past 1 MiB stays past it, and no more of it is fetched', async () => {
    await table('huge', [
      "('2026-01-01', '1', 'n', repeat('x', 30000000), false)",
      "('2026-01-02', '2', 'n', repeat('y', 1048576), false)",
    ])
    const payloads = (await read(await open({ table: 'huge' }))).map((row) => row.split('\t')[3]!.length)
    expect(payloads).toEqual([1_048_577, 1_048_576])

    await table('huge_json', ["('2026-01-01', '1', 'n', '{\"a\":\"' || repeat('x', 1048576) || '\"}', false)"])
    const lines = await read(await open({ table: 'huge_json' }))
    const { report } = filterBatch(Buffer.from(lines.map((line) => `${line}\n`).join('')), {
      schema: { version: 1, fields: [] },
      onTypeMismatch: 'drop_field',
      order: 'timestamp',
      timestampDigits: 6,
      hash: () => '0'.repeat(32),
    })
    expect(report.rejected).toEqual({ payload_too_large: 1 })
  })

  test('§11 tables of every kind, views, materialized views and queries are sources', async () => {
    const row =
      "SELECT '2026-01-01'::timestamptz AS updated_at, 1 AS id, 'n'::text AS name, '{}'::jsonb AS payload, false AS deleted"
    await admin.query(`CREATE VIEW a_view AS ${row}`)
    await admin.query(`CREATE MATERIALIZED VIEW a_matview AS ${row}`)
    await admin.query('CREATE TABLE a_part (updated_at timestamptz, id int) PARTITION BY RANGE (id)')
    await admin.query('CREATE TABLE a_part_1 PARTITION OF a_part FOR VALUES FROM (0) TO (10)')
    await admin.query("INSERT INTO a_part VALUES ('2026-01-01', 1)")
    for (const [source, object] of [
      [{ table: 'public.a_view' }, 'view public.a_view'],
      [{ table: 'a_matview' }, 'materialized view public.a_matview'],
      [{ table: 'a_part' }, 'partitioned table public.a_part'],
      [{ query: `${row};` }, 'query'],
      [{ query: `WITH r AS (${row}) TABLE r -- the end` }, 'query'],
      [{ query: "VALUES ('x')" }, undefined],
    ] as const) {
      const opened = await open(source)
      if (object === undefined) {
        expect((await faultOf(opened.describe(signal))).code).toBe('column_missing')
        continue
      }
      expect((await opened.describe(signal)).object).toBe(object)
      expect(await read(opened)).toHaveLength(1)
    }
  })

  test('§5 a view over CURRENT_TIMESTAMP is read whole, with timestamps at or after the clock of describe', async () => {
    await table('plain', ["('2026-01-01', '1', 'n', '{}', false)", "('2026-01-01', '2', 'n', '{}', false)"])
    await admin.query(
      'CREATE VIEW volatile AS SELECT CURRENT_TIMESTAMP AS updated_at, id, name, payload, deleted FROM plain',
    )
    const source = await open({ table: 'volatile' })
    const { now } = await source.describe(signal)
    const rows = await read(source, { from: { updatedAt: now, inclusive: false } })
    expect(rows).toHaveLength(2)
    const times = rows.map((row) => row.split('\t')[0]!)
    expect(new Set(times).size).toBe(1)
    expect(times[0]! > now).toBe(true)
  })

  test('an empty table has no rows and every column', async () => {
    await table('empty', [])
    const source = await open({ table: 'empty' })
    expect(await read(source)).toEqual([])
    expect(await source.countAt('2026-01-01 00:00:00', signal)).toBe(0)
    expect((await source.describe(signal)).columns.map((column) => column.role)).toEqual([
      'updated_at',
      'id',
      'name',
      'payload',
      'deleted',
    ])
  })

  test.each<[string, FaultCode]>([
    ['select 1) q; drop table victim; --', 'query_invalid'],
    ['SELECT * FROM victim; DROP TABLE victim', 'query_invalid'],
    ['SELECT * FROM victim) AS s) TO STDOUT; DROP TABLE victim; COPY (SELECT * FROM (SELECT 1', 'query_invalid'],
    ['SELECT * FROM victim) AS a, (SELECT * FROM victim', 'query_invalid'],
    ['DROP TABLE victim', 'query_invalid'],
    ['DELETE FROM victim RETURNING *', 'query_invalid'],
    ['WITH d AS (DELETE FROM victim RETURNING *) SELECT * FROM d', 'query_invalid'],
    ["SELECT *, nextval('victim_seq') AS n FROM victim", 'query_invalid'],
    ["SELECT *, set_config('transaction_read_only', 'off', true) AS n FROM victim", 'query_invalid'],
    ['SELECT * FROM victim FOR UPDATE', 'query_invalid'],
    ['SELECT * INTO thief FROM victim', 'query_invalid'],
    ['SELECT * FROM victim WHERE id = $1', 'query_invalid'],
    ['SELECT * FROM victim;;', 'query_invalid'],
    ['SELECT * FROM victim /*', 'query_invalid'],
    ['COMMIT', 'query_invalid'],
    ['SELECT no_such_function(id) FROM victim', 'query_invalid'],
    ['SELECT * FROM no_such_table', 'object_missing'],
    ['SELECT nothing FROM victim', 'column_missing'],
  ])('§11 a query is one read-only statement: %s', async (query, code) => {
    await admin.query('CREATE TABLE IF NOT EXISTS victim AS SELECT now() AS updated_at, 1 AS id')
    await admin.query('CREATE SEQUENCE IF NOT EXISTS victim_seq')
    const fault = await faultOf(open({ query }).then((source) => read(source)))
    expect([fault.code, fault.message]).toEqual([code, expect.any(String)])
    expect((await admin.query('SELECT count(*)::int AS n FROM victim')).rows[0].n).toBe(1)
    expect((await admin.query("SELECT to_regclass('thief') AS t, is_called FROM victim_seq")).rows[0]).toEqual({
      t: null,
      is_called: false,
    })
  })

  test('§7 a value that the source cannot compute is told without the value', async () => {
    await table('values_of_rows', ["('2026-01-01', 'secret-value', 'n', '{}', false)"])
    for (const column of ['id::int', '(SELECT 1/(length(id)-length(id)))', "('{' || id)::json"]) {
      const source = await open({
        query: `SELECT updated_at, ${column} AS x, id || (${column})::text AS id FROM values_of_rows`,
      })
      const fault = await faultOf(read(source))
      expect(fault.code).toBe('source_data_error')
      expect(`${fault.message} ${fault.stack} ${String(fault.cause)}`).not.toContain('secret-value')
    }
  })

  test('§7 what a person must mend is told apart', async () => {
    await admin.query('CREATE SCHEMA hidden')
    await table('hidden.t', [])
    await table('forbidden', [])
    await admin.query('CREATE TABLE columns_only (updated_at timestamptz, id text, secret text)')
    const url = await role('poor', 'GRANT SELECT (updated_at, id) ON columns_only TO $role')
    const wrongPassword = new URL(url)
    wrongPassword.password = 'hunter2'
    const wrongDatabase = new URL(database.url)
    wrongDatabase.pathname = '/no_such_database'
    const wrongPort = new URL(database.url)
    wrongPort.port = '1'
    await admin.query('CREATE TABLE twice ("ID" text, id text, updated_at timestamptz)')
    await admin.query('CREATE TABLE dated (id text, updated_at date)')
    await admin.query('CREATE TABLE listed (id text, updated_at timestamptz, payload text[])')
    await admin.query('CREATE INDEX an_index ON forbidden (id)')

    const cases: [Source, URL, FaultCode, string][] = [
      [{ table: 'forbidden' }, wrongPassword, 'authentication_failed', 'poor'],
      [{ table: 'forbidden' }, wrongDatabase, 'database_missing', 'no_such_database'],
      [{ table: 'forbidden' }, wrongPort, 'source_unavailable', 'ECONNREFUSED'],
      [{ table: 'no.such' }, url, 'object_missing', 'no'],
      [{ table: 'no_such' }, url, 'object_missing', 'no_such'],
      [{ table: 'hidden.t' }, url, 'permission_denied', 'hidden'],
      [{ table: 'forbidden' }, url, 'permission_denied', 'forbidden'],
      [{ table: 'an_index' }, url, 'object_missing', 'an_index'],
      [{ table: 'twice' }, new URL(database.url), 'column_ambiguous', '"ID", "id"'],
      [{ table: 'dated' }, new URL(database.url), 'column_type', 'UPDATED_AT is date'],
      [{ table: 'listed' }, new URL(database.url), 'column_type', 'PAYLOAD is text[]'],
      [{ query: 'SELECT 1 AS id, 2 AS x' }, url, 'column_missing', 'no UPDATED_AT; the columns are "id", "x"'],
    ]
    for (const [source, to, code, words] of cases) {
      const opened = await open(source, {}, to)
      for (const work of [
        () => opened.describe(signal),
        () => read(opened),
        () => opened.countAt('2026-01-01 00:00:00', signal),
      ]) {
        const fault = await faultOf(work())
        expect([fault.code, fault.message]).toEqual([code, expect.stringContaining(words)])
        expect(fault.message).not.toContain('hunter2')
      }
    }
    expect((await faultOf((await open({ table: 'forbidden' }, { tls: 'require' })).describe(signal))).code).toBe(
      'tls_failed',
    )
    expect(
      (await faultOf((await open({ table: 'forbidden' }, { host: 'no-such-host.invalid' })).describe(signal))).code,
    ).toMatch(/^(host_unknown|source_unavailable)$/)
    // Least privilege: the right to the columns that Sluice reads is enough.
    expect(await read(await open({ table: 'columns_only' }, {}, url))).toEqual([])
  })

  test('§11 the test of a connection tells each step, and stops at the first that fails', async () => {
    await table('checked', [
      "('2026-01-01', '1', 'n', '{}', false)",
      "('2026-01-02', '2', 'n', '{}', false)",
      "('infinity', '3', 'n', '{}', false)",
    ])
    expect(await steps(await open({ table: 'checked' }), '2026-01-01 00:00:00.000000')).toEqual([
      { step: 'reach', ok: true, sentence: expect.stringContaining('answered') },
      { step: 'authenticate', ok: true, sentence: expect.stringContaining('logged in') },
      { step: 'authorise', ok: true, sentence: expect.stringContaining(database.name) },
      { step: 'object', ok: true, sentence: 'Found table public.checked.' },
      {
        step: 'columns',
        ok: true,
        sentence: 'UPDATED_AT timestamp with time zone, ID text, NAME text, PAYLOAD text, DELETED boolean.',
      },
      {
        step: 'rows',
        ok: true,
        sentence:
          '1 row newer than 2026-01-01 00:00:00.000000. 1 row without a usable UPDATED_AT, which every run rejects.',
      },
    ])
    expect((await steps(await open(undefined))).map((step) => step.step)).toEqual([
      'reach',
      'authenticate',
      'authorise',
    ])
    const summary = async (source: WarehouseSource) =>
      (await steps(source)).map(({ step, ok, code }) => `${step} ${ok ? 'ok' : code}`)
    expect(await summary(await open({ table: 'nowhere' }))).toEqual([
      'reach ok',
      'authenticate ok',
      'authorise ok',
      'object object_missing',
    ])
    expect(await summary(await open({ table: 'checked' }, { database: 'nowhere' }))).toEqual([
      'reach ok',
      'authenticate ok',
      'authorise database_missing',
    ])
    expect(await summary(await open({ table: 'checked' }, { user: 'nobody_at_all' }))).toEqual([
      'reach ok',
      'authenticate authentication_failed',
    ])
    expect(await summary(await open({ table: 'checked' }, { port: 1 }))).toEqual(['reach source_unavailable'])
  })

  /** Sorts for minutes before the first row. */
  const endless = {
    query: `SELECT '2026-01-01'::timestamptz + g * interval '1 us' AS updated_at, g AS id, repeat('x', 200) AS name
            FROM generate_series(1, 200000000) AS g`,
  }
  async function manyRows(): Promise<void> {
    await admin.query(`CREATE TABLE IF NOT EXISTS many AS
      SELECT '2026-01-01'::timestamptz + g * interval '1 us' AS updated_at, g AS id, repeat('n', 50) AS name,
             jsonb_build_object('a', g, 'b', repeat('p', 200)) AS payload
      FROM generate_series(1, 200000) AS g`)
  }

  test('leaving the iteration cancels the query at the server', async () => {
    await manyRows()
    const source = await open({ table: 'many' })
    for await (const _ of source.read(whole, signal)) {
      expect(await backends()).toBe(1)
      break
    }
    await backendsGone()
  })

  test('an abort cancels a query that computes, and one that waits for its reader', async () => {
    const computing = await open(endless)
    const first = new AbortController()
    const reading = (async () => {
      for await (const _ of computing.read(whole, first.signal)) break
    })()
    await expect.poll(backends).toBe(1)
    await sleep(200)
    first.abort(new Error('stop now'))
    await expect(reading).rejects.toThrow('stop now')
    await backendsGone()

    await manyRows()
    const waiting = await open({ table: 'many' })
    const second = new AbortController()
    const rows = waiting.read(whole, second.signal)[Symbol.asyncIterator]()
    await rows.next()
    second.abort(new Error('stop again'))
    await backendsGone()
    await expect(
      (async () => {
        while (!(await rows.next()).done);
      })(),
    ).rejects.toThrow('stop again')

    const before = AbortSignal.abort(new Error('too late'))
    await expect(waiting.describe(before)).rejects.toThrow('too late')
  })

  test('closing the source cancels what is under way, twice is as once', async () => {
    const source = await open(endless)
    const reading = (async () => {
      for await (const _ of source.read(whole, signal)) break
    })()
    reading.catch(() => {})
    await expect.poll(backends).toBe(1)
    await source.close()
    await source.close()
    await expect(reading).rejects.toThrow()
    await backendsGone()
  })

  test('§7 a query past its limit of time is query_timeout; one that an administrator cancels is not', async () => {
    const source = await open(endless)
    expect((await faultOf(read(source, { queryTimeoutMs: 300 }))).code).toBe('query_timeout')
    const reading = read(source)
    await expect.poll(backends).toBe(1)
    await sleep(300)
    await admin.query("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'sluice test-sync'")
    expect((await faultOf(reading)).code).toBe('source_interrupted')
    await backendsGone()
  })

  test('§7 a backend that is killed in mid-stream is never taken for the end', async () => {
    await manyRows()
    const source = await open({ table: 'many' })
    let chunks = 0
    const fault = await faultOf(
      (async () => {
        for await (const _ of source.read(whole, signal)) {
          if (chunks++ > 0) continue
          await admin.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sluice test-sync'",
          )
        }
      })(),
    )
    expect(fault.code).toMatch(/^source_(unavailable|interrupted)$/)
  })

  test('§7 a network that breaks in mid-stream is never taken for the end', async () => {
    await manyRows()
    const sockets: Socket[] = []
    const proxy = createServer((near) => {
      const far = netConnect(Number(new URL(database.url).port), new URL(database.url).hostname)
      sockets.push(near, far)
      near
        .on('error', () => {})
        .pipe(far)
        .on('error', () => {})
        .pipe(near)
    }).listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    onTestFinished(() => void proxy.close())
    const port = (proxy.address() as { port: number }).port
    for (const cut of [(socket: Socket) => socket.destroy(), (socket: Socket) => socket.resetAndDestroy()]) {
      const source = await open({ table: 'many' }, { host: '127.0.0.1', port })
      const fault = await faultOf(
        (async () => {
          for await (const _ of source.read(whole, signal)) for (const socket of sockets.splice(0)) cut(socket)
        })(),
      )
      expect(fault.code).toMatch(/^source_(unavailable|interrupted)$/)
    }
    await backendsGone()
  })

  test('a reader that waits makes the server wait', async () => {
    await manyRows()
    const source = await open({ table: 'many' })
    for await (const _ of source.read(whole, signal)) {
      await expect
        .poll(async () => {
          const { rows } = await admin.query(
            "SELECT wait_event FROM pg_stat_activity WHERE application_name = 'sluice test-sync' AND leader_pid IS NULL",
          )
          return rows[0]?.wait_event
        })
        .toBe('ClientWrite')
      break
    }
  })

  test('200,000 rows stream in flat memory, in order', async () => {
    await manyRows()
    const source = await open({ table: 'many' })
    let rows = 0
    let last = ''
    let bytesMax = 0
    let buffersMax = 0
    for await (const chunk of source.read(whole, signal)) {
      bytesMax = Math.max(bytesMax, chunk.length)
      const text = Buffer.from(chunk).toString('latin1')
      rows += text.split('\n').length - 1
      const first = text.slice(0, text.indexOf('\t')).padEnd(29, '0')
      expect(first >= last).toBe(true)
      last = first
      buffersMax = Math.max(buffersMax, process.memoryUsage().arrayBuffers)
    }
    expect(rows).toBe(200_000)
    expect(bytesMax).toBeLessThan(1024 * 1024)
    expect(buffersMax).toBeLessThan(64 * 1024 * 1024)
  })
})
