import pg from 'pg'
import type { OracleRow } from '../store/accountOracle.ts'
import { type Random, seeded } from './seeded.ts'

/** One row as it is inserted: text for every column; `updated_at` is cast to timestamptz. */
interface SourceRow {
  updated_at: string | null
  id: string | null
  name: string | null
  payload: string | null
  deleted: string | null
}

export interface SourceTable {
  rows: SourceRow[]
  /** The rows that are not to be rejected, as the oracle takes them, in any order. */
  good: OracleRow[]
  /** How many rows are to be rejected. */
  bad: number
}

/**
 * A table with everything that §2 to §5 speak of: ties over the edges of batches, several rows for one id (changes, a
 * delete and a new beginning, a change and a delete), partial payloads, deep merges, bad rows, rows outside every
 * watermark, fields outside the schema. What several rows of one id at one timestamp give never depends on their order,
 * which a table does not have.
 */
export function generateSourceTable(seed: number, rowsWanted: number): SourceTable {
  const random = seeded(seed)
  const table: SourceTable = { rows: [], good: [], bad: 0 }
  const ids = Array.from({ length: Math.ceil(rowsWanted / 3) }, (_, i) => `${random.oneOf(idPrefixes)}${i}`)
  for (const updated_at of outsideEveryWatermark) {
    table.rows.push({ updated_at, id: random.oneOf(ids), name: 'Outside', payload: '{}', deleted: null })
    table.bad++
  }
  let microseconds = 0
  while (table.rows.length < rowsWanted) {
    microseconds += random.below(20_000) + 1
    const updatedAt = timestamp(microseconds)
    // Most timestamps have one row; some have more than a batch holds.
    const ties = random.chance(0.03) ? random.below(300) : random.chance(0.3) ? random.below(8) : 1
    addTimestamp(table, random, { ids, updatedAt, ties })
  }
  return table
}

export async function writeSourceTable(url: string, name: string, { rows }: SourceTable): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`create table ${name} (updated_at timestamptz, id text, name text, payload text, deleted text)`)
    const columns = ['updated_at', 'id', 'name', 'payload', 'deleted'] as const
    await client.query(
      `insert into ${name} select u::timestamptz, i, n, p, d
       from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) as r (u, i, n, p, d)`,
      columns.map((column) => rows.map((row) => row[column])),
    )
  } finally {
    await client.end()
  }
}

const idPrefixes = ['c', 'C', 'é', '0', 'a b\\']
const outsideEveryWatermark = [null, null, 'infinity', '-infinity', '0044-03-15 12:00:00 BC', '10000-01-01 00:00:00']

/** The same form in the source and in the store. */
function timestamp(microseconds: number): string {
  const at = new Date(Date.UTC(2025, 0, 1) + Math.floor(microseconds / 1000))
  return `${at.toISOString().slice(0, 23).replace('T', ' ')}${String(microseconds % 1000).padStart(3, '0')}`
}

function addTimestamp(
  table: SourceTable,
  random: Random,
  { ids, updatedAt, ties }: { ids: string[]; updatedAt: string; ties: number },
): void {
  const { rows, good } = table
  const names = new Map<string, string>()
  const fieldsOf = new Map<string, Set<string>>()
  for (let i = 0; i < ties; i++) {
    const id = random.oneOf(ids)
    if (random.chance(0.02)) {
      const { break: spoil } = random.oneOf(spoiled)
      rows.push({ updated_at: updatedAt, ...spoil({ id, name: 'Bad', payload: '{"a":"x"}', deleted: null }) })
      table.bad++
      continue
    }
    if (random.chance(0.12)) {
      // A delete needs only its id: nothing else of it is looked at.
      const rest = random.chance(0.5) ? { name: null, payload: null } : { name: '', payload: '{nonsense' }
      rows.push({ updated_at: updatedAt, id, ...rest, deleted: random.oneOf(['t', ' TRUE ', 'yes', '1']) })
      good.push({ t: updatedAt, id, name: '' })
      continue
    }
    const name =
      names.get(id) ?? `${random.oneOf(['Acme', 'Ünïcode\tGmbH', 'O\\Brien', '株式会社'])} ${random.below(5)}`
    names.set(id, name)
    const taken = fieldsOf.get(id) ?? new Set<string>()
    fieldsOf.set(id, taken)
    const fields: Record<string, unknown> = {}
    for (const field of ['a', 'b', 'deep'] as const) {
      if (taken.has(field) || random.chance(0.4)) continue
      taken.add(field)
      fields[field] = field === 'deep' ? deepPatch(random, 2) : random.chance(0.2) ? null : word(random)
    }
    rows.push({
      updated_at: updatedAt,
      id,
      name,
      payload: Object.keys(fields).length === 0 && random.chance(0.3) ? null : payloadOf(random, fields),
      deleted: random.oneOf([null, 'f', 'no', '']),
    })
    good.push({ t: updatedAt, id, name, fields })
  }
}

const spoiled: { break: (row: Omit<SourceRow, 'updated_at'>) => Omit<SourceRow, 'updated_at'> }[] = [
  { break: (row) => ({ ...row, id: null }) },
  { break: (row) => ({ ...row, id: '' }) },
  { break: (row) => ({ ...row, id: 'i'.repeat(256) }) },
  { break: (row) => ({ ...row, id: 'con\u0001trol' }) },
  { break: (row) => ({ ...row, name: null }) },
  { break: (row) => ({ ...row, name: '' }) },
  { break: (row) => ({ ...row, name: 'n'.repeat(5001) }) },
  { break: (row) => ({ ...row, payload: '{"a":' }) },
  { break: (row) => ({ ...row, payload: '["a"]' }) },
  { break: (row) => ({ ...row, payload: `{"a":${'['.repeat(101)}${']'.repeat(101)}}` }) },
  {
    break: (row) => ({ ...row, payload: `{${Array.from({ length: 251 }, (_, i) => `"k${i}":1`).join()}}` }),
  },
  { break: (row) => ({ ...row, payload: `{"a":"${'x'.repeat(1 << 20)}"}` }) },
  { break: (row) => ({ ...row, deleted: 'perhaps' }) },
]

function word(random: Random): string {
  return random.oneOf(['x', 'y', 'z', '\t\n\\"', 'ü'.repeat(40), ''])
}

function deepPatch(random: Random, levels: number): Record<string, unknown> {
  const patch: Record<string, unknown> = {}
  for (const key of ['p', 'q', 'r']) {
    if (random.chance(0.5)) continue
    patch[key] =
      levels > 0 && random.chance(0.5) ? deepPatch(random, levels - 1) : random.chance(0.3) ? null : word(random)
  }
  return patch
}

/** Members that the filter drops stand between those that it keeps. */
function payloadOf(random: Random, fields: Record<string, unknown>): string {
  const members = Object.entries(fields).map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`)
  if (random.chance(0.3)) members.unshift('"x_note": {"nobody": ["knows", 1e400]}')
  if (random.chance(0.1)) members.push('"__proto__": "plain"')
  if (!('a' in fields) && random.chance(0.1)) members.push(random.oneOf(['"a": {"not": "text"}', '"a": "\\u0000"']))
  return `{${members.join(', ')}}`
}
