import { SluiceError } from '@sluice/core/faults'
import type { SourceColumn } from '@sluice/core/source/warehouseSource'
import { type ColumnRole, columnRoles, matchColumns } from '../columnRoles.ts'
import { quoteIdentifier } from './quoteIdentifier.ts'
import type { Session } from './session.ts'
import { fromItem, type SourceObject } from './sourceObject.ts'

/** The object with what `selectRows` needs to know of it. */
export interface ObjectLayout {
  /** Human words: `table public.accounts_sync`, `query`. */
  object: string
  columns: SourceColumn[]
  from: string
  /** The object's own names. */
  names: Partial<Record<ColumnRole, string>>
  /** UPDATED_AT is a `timestamp`, taken as UTC; else it is a `timestamptz`. */
  withoutZone: boolean
}

const relationKinds: Record<string, string> = {
  r: 'table',
  p: 'partitioned table',
  f: 'foreign table',
  v: 'view',
  m: 'materialized view',
}

/** @throws SluiceError `object_missing`, `query_invalid`, `permission_denied` */
export async function findObject(
  session: Session,
  object: SourceObject,
): Promise<Pick<ObjectLayout, 'object' | 'columns' | 'from'>> {
  const from = fromItem(object)
  if (object.kind === 'query') {
    await checkQuery(session, object.text)
    const { fields } = await session.query(`SELECT * FROM ${from} LIMIT 0`)
    const types = await readTypes(session, fields)
    return { object: 'query', from, columns: fields.map(({ name }, at) => ({ name, type: types[at]!.name })) }
  }
  // From the catalogue, because `SELECT *` needs the right to read every column, and the role may have it for five only.
  const { rows } = await session.query<{ kind: string; object: string; name: string | null; type: string }>(
    `SELECT c.relkind::text AS kind, n.nspname || '.' || c.relname AS object, a.attname::text AS name,
            pg_catalog.format_type(a.atttypid, a.atttypmod) AS type
     FROM pg_catalog.pg_class c
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.oid = $1::text::regclass
     ORDER BY a.attnum`,
    [object.name],
  )
  const [first] = rows
  const kind = relationKinds[first?.kind ?? '']
  if (first === undefined || kind === undefined) {
    throw new SluiceError('object_missing', `${object.name} is not a table or view.`)
  }
  const columns = rows.flatMap(({ name, type }) => (name === null ? [] : [{ name, type }]))
  return { object: `${kind} ${first.object}`, from, columns }
}

/**
 * Refuses whatever is not exactly one statement by itself, such as `select 1) q; drop table x; --`. PREPARE goes through
 * the extended protocol and runs nothing.
 */
async function checkQuery(session: Session, text: string): Promise<void> {
  await session.query(`PREPARE sluice_source AS\n${text}\n`)
  const { rows } = await session.query<{ parameters: number }>(
    "SELECT pg_catalog.cardinality(parameter_types) AS parameters FROM pg_catalog.pg_prepared_statements WHERE name = 'sluice_source'",
  )
  if (rows[0]?.parameters !== 0) throw new SluiceError('query_invalid', 'It has parameters such as $1.')
  // A pooler may hand the server connection to somebody else, who prepares the same name.
  await session.query('DEALLOCATE sluice_source')
}

/**
 * Matches the columns and checks their types and the right to read them.
 * @throws SluiceError `column_missing`, `column_ambiguous`, `column_type`, `permission_denied`
 */
export async function findColumns(
  session: Session,
  found: Pick<ObjectLayout, 'object' | 'columns' | 'from'>,
): Promise<ObjectLayout> {
  const names = matchColumns(found.columns.map((column) => column.name))
  const roles = columnRoles.filter((role) => names[role] !== undefined)
  const list = roles.map((role) => `s.${quoteIdentifier(names[role]!)}`).join(', ')
  const { fields } = await session.query(`SELECT ${list} FROM ${found.from} LIMIT 0`)
  // The server describes a domain as the type below it.
  const types = await readTypes(session, fields)
  for (const [at, role] of roles.entries()) {
    const type = types[at]!
    const { takes, words } = roleTypes[role]
    if (!takes(type)) {
      throw new SluiceError('column_type', `${role.toUpperCase()} is ${type.name}; it must be ${words}.`)
    }
  }
  const columns = found.columns.map((column): SourceColumn => {
    const role = roles.find((candidate) => names[candidate] === column.name)
    return role === undefined ? column : { ...column, role }
  })
  return { ...found, columns, names, withoutZone: types[roles.indexOf('updated_at')]!.name === timestampWithoutZone }
}

interface ColumnType {
  /** As PostgreSQL spells it, without length or precision. */
  name: string
  /** `pg_type.typcategory`: S text, N numbers, B boolean, V bits, E enumerations … */
  category: string
}

const timestampWithoutZone = 'timestamp without time zone'
const timestampTypes = [timestampWithoutZone, 'timestamp with time zone']
const jsonTypes = ['json', 'jsonb']

const roleTypes: Record<ColumnRole, { takes(type: ColumnType): boolean; words: string }> = {
  updated_at: {
    takes: ({ name }) => timestampTypes.includes(name),
    words:
      '`timestamptz`, or `timestamp` in UTC. Cast it in a view, for example `updated_at::timestamptz AS updated_at`',
  },
  id: { takes: ({ name, category }) => 'SNE'.includes(category) || name === 'uuid', words: 'text, a number or a uuid' },
  name: { takes: ({ category }) => 'SE'.includes(category), words: 'text' },
  payload: {
    takes: ({ name, category }) => category === 'S' || jsonTypes.includes(name),
    words: '`jsonb`, `json` or text. Make a JSON object of it in a view, for example `to_jsonb(payload) AS payload`',
  },
  deleted: { takes: ({ category }) => 'BSNEV'.includes(category), words: 'boolean, bit, a number or text' },
}

async function readTypes(session: Session, fields: readonly { dataTypeID: number }[]): Promise<ColumnType[]> {
  const ids = fields.map((field) => field.dataTypeID)
  const { rows } = await session.query<ColumnType>(
    `SELECT pg_catalog.format_type(t.oid, NULL) AS name, t.typcategory::text AS category
     FROM unnest($1::oid[]) WITH ORDINALITY AS wanted (oid, place) JOIN pg_catalog.pg_type t USING (oid)
     ORDER BY place`,
    [ids],
  )
  return rows
}
