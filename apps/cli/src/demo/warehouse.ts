import { randomBytes } from 'node:crypto'
import { SluiceError } from '@sluice/core/faults'
import pg from 'pg'
import { type Company, company, payloadText, randomNumbers } from './companies.ts'

const database = 'demo_warehouse'
const user = 'sluice_demo'

/** Accounts in the warehouse at first; besides them there are rows that Sluice cannot take. */
const accountsAtFirst = 10_000
/** So many rows share one timestamp: a nightly job that writes them together. */
const rowsPerTimestamp = 25
const firstTimestamp = Date.UTC(2026, 0, 5, 6)

export async function hasWarehouse(storeUrl: string): Promise<boolean> {
  return withClient(storeUrl, async (client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [database])
    return rowCount === 1
  })
}

/**
 * Makes the demo's warehouse where the account store is, unless it is there: a database of its own, a table as a source
 * has it, and a user who may read that table and nothing else. Answers what demo/sluice.yaml expects in the environment.
 * @throws SluiceError `store_refused` when the user of the store may not do that
 */
export async function makeWarehouse(storeUrl: string): Promise<Record<string, string>> {
  const password = randomBytes(18).toString('base64url')
  const address = await withClient(storeUrl, async (client) => {
    if (!(await hasWarehouse(storeUrl))) await client.query(`create database ${database}`)
    const role = await client.query('select from pg_roles where rolname = $1', [user])
    if (role.rowCount === 0) await client.query(`create role ${user} login`)
    // A new password at each start: none is kept anywhere but in the environment of the worker.
    await client.query(`alter role ${user} password '${password}'`)
    await client.query(`alter role ${user} set default_transaction_read_only = on`)
    return { host: client.host, port: client.port }
  })
  await withClient(warehouseUrl(storeUrl), async (client) => {
    await client.query('begin')
    const { rows } = await client.query<{ there: boolean }>(
      `select to_regclass('public.accounts_sync') is not null as there`,
    )
    if (!rows[0]!.there) {
      await client.query(
        'create table public.accounts_sync (updated_at timestamptz, id text, name text, payload text, deleted boolean not null default false)',
      )
      await client.query('create index accounts_sync_by_updated_at on public.accounts_sync (updated_at)')
      await insertRows(client, firstRows())
    }
    await client.query(`grant select on public.accounts_sync to ${user}`)
    await client.query('commit')
    await client.query('analyze public.accounts_sync')
  })
  return { SLUICE_DEMO_HOST: address.host, SLUICE_DEMO_PORT: String(address.port), SLUICE_DEMO_PASSWORD: password }
}

export interface Wave {
  changed: number
  touched: number
  added: number
  removed: number
  late: number
  broken: number
}

/**
 * What a day does to such a table: accounts that change, are touched without a change, come, go; a few that were
 * committed late, at exactly the newest timestamp there was; and a row that is broken.
 */
export async function makeWave(storeUrl: string, size: 'large' | 'small'): Promise<Wave> {
  const share = size === 'large' ? 1 : 5
  const wave: Wave = {
    changed: 300 / share,
    touched: 50 / share,
    added: 60 / share,
    removed: 25 / share,
    late: 4,
    broken: 1,
  }
  await withClient(warehouseUrl(storeUrl), async (client) => {
    await client.query('begin')
    const { rows: known } = await client.query<{ id: string; rows: number }>(
      `select id from public.accounts_sync where id like 'ACC-%' and payload is not null group by id having not bool_or(deleted) order by id`,
    )
    const newest = await client.query<{ updated_at: string; number: number; rows: number }>(
      `select (max(updated_at) filter (where isfinite(updated_at)))::text as updated_at,
         max(substr(id, 5)::int) filter (where id like 'ACC-%') as number, count(*)::int as rows
       from public.accounts_sync`,
    )
    const { updated_at: newestTimestamp, number: newestNumber, rows: seed } = newest.rows[0]!
    const random = randomNumbers(seed)
    const draw = (count: number) =>
      Array.from({ length: count }, () => known.splice(Math.floor(random() * known.length), 1)[0]!.id)

    const changed = draw(wave.changed)
    await client.query(
      `update public.accounts_sync a set updated_at = clock_timestamp(), payload = c.payload
       from unnest($1::text[], $2::text[]) c (id, payload) where a.id = c.id`,
      [changed, changed.map((id) => payloadText(grown(company(Number(id.slice(4))), random)))],
    )
    await client.query('update public.accounts_sync set updated_at = clock_timestamp() where id = any($1::text[])', [
      draw(wave.touched),
    ])
    await client.query(
      'update public.accounts_sync set updated_at = clock_timestamp(), deleted = true where id = any($1::text[])',
      [draw(wave.removed)],
    )
    const now = new Date().toISOString()
    const fresh = Array.from({ length: wave.added + wave.late }, (_, index) => company(newestNumber + 1 + index))
    await insertRows(client, [
      ...fresh.map((one, index) => rowOf(one, index < wave.late ? newestTimestamp : now)),
      {
        updatedAt: now,
        id: `BAD-${seed}`,
        name: 'Half a payload',
        payload: '{"country": "DE", "employees": ',
        deleted: false,
      },
    ])
    await client.query('commit')
  })
  return wave
}

interface Row {
  updatedAt: string | null
  id: string | null
  name: string | null
  payload: string | null
  deleted: boolean
}

function firstRows(): Row[] {
  const rows: Row[] = []
  const at = () => new Date(firstTimestamp + Math.floor(rows.length / rowsPerTimestamp) * 3_600_000).toISOString()
  for (let number = 1; number <= accountsAtFirst; number++) {
    const one = company(number)
    // The same account twice: the later row wins.
    if (number % 250 === 0) rows.push(rowOf({ ...one, name: `${one.name} (old)` }, at()))
    rows.push(rowOf(one, at()))
    // An account that came and went before Sluice ever looked.
    if (number % 500 === 0)
      rows.push({ updatedAt: at(), id: `GONE-${number}`, name: null, payload: null, deleted: true })
    const broken = brokenRows[number / 700]
    if (broken)
      rows.push({
        updatedAt: at(),
        id: `BAD-${number}`,
        name: 'Not quite right',
        payload: '{}',
        deleted: false,
        ...broken,
      })
  }
  return rows
}

/** One of each: what a source that nobody has cleaned holds. */
const brokenRows: readonly (Partial<Row> | undefined)[] = [
  undefined,
  { id: '' },
  { id: `BAD-${'x'.repeat(300)}` },
  { name: null },
  { name: '' },
  { payload: '{"country": "FR"' },
  { payload: '["country", "FR"]' },
  { payload: '{"employees": NaN}' },
  {
    payload: JSON.stringify(Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`column_${index}`, index]))),
  },
  { payload: `{"tags": ${'['.repeat(150)}${']'.repeat(150)}}` },
  { updatedAt: null },
  { updatedAt: 'infinity' },
]

function rowOf(one: Company, updatedAt: string): Row {
  return { updatedAt, id: one.id, name: one.name, payload: payloadText(one), deleted: false }
}

/** The company some time later. */
function grown(one: Company, random: () => number): Company {
  const { employees } = one.payload
  const more = 1 + Math.ceil(random() * 40)
  return {
    ...one,
    payload: {
      ...one.payload,
      employees: (Number.parseInt(String(employees).replace('about ', ''), 10) || 0) + more,
      vip: random() < 0.3,
    },
  }
}

async function insertRows(client: pg.Client, rows: readonly Row[]): Promise<void> {
  await client.query(
    `insert into public.accounts_sync (updated_at, id, name, payload, deleted)
     select * from unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::boolean[])`,
    [
      rows.map((row) => row.updatedAt),
      rows.map((row) => row.id),
      rows.map((row) => row.name),
      rows.map((row) => row.payload),
      rows.map((row) => row.deleted),
    ],
  )
}

function warehouseUrl(storeUrl: string): string {
  const url = new URL(storeUrl)
  url.pathname = `/${database}`
  return url.href
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'sluice demo', options: '-c timezone=UTC' })
  await client.connect()
  try {
    return await work(client)
  } catch (error) {
    // insufficient_privilege: its message names objects, never a row.
    if (!(error instanceof pg.DatabaseError) || error.code !== '42501') throw error
    throw new SluiceError(
      'store_refused',
      `The demo makes the database ${database} and the role ${user} beside the account store: the user of SLUICE_STORE_URL needs CREATEDB and CREATEROLE, and must own both if they are there (${error.message}).`,
    )
  } finally {
    await client.end()
  }
}
