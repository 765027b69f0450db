import { SluiceError } from '@sluice/core/faults'
import { canonicalTimestamp } from '@sluice/core/watermark/sourceTimestamp'
import type { ColumnRole } from '../columnRoles.ts'
import type { ObjectLayout } from './describeObject.ts'
import { quoteIdentifier } from './quoteIdentifier.ts'

/** Digits of a second's fraction that PostgreSQL's timestamps hold. */
export const timestampDigits = 6

/** §2. A payload of more characters is too large whatever it holds; so much of it shows that, and no more is fetched. */
const payloadCharactersMax = 1_048_577

export type Range =
  /** UPDATED_AT is NULL or not finite, or not of the years 1 to 9999. */
  | { kind: 'outside' }
  | { kind: 'after'; from?: { updatedAt: string; inclusive: boolean } | undefined }
  | { kind: 'at'; updatedAt: string }

/** Five text columns in the order of a raw row, ascending by UPDATED_AT. */
export function selectRows(layout: ObjectLayout, range: Range, rowsMax?: number): string {
  const updatedAt = column(layout, 'updated_at')
  const list = [
    updatedAt,
    text(layout, 'id'),
    text(layout, 'name'),
    layout.names.payload === undefined
      ? 'NULL'
      : `pg_catalog.left(${text(layout, 'payload')}, ${payloadCharactersMax})`,
    text(layout, 'deleted'),
  ]
  const order = range.kind === 'after' ? ` ORDER BY ${updatedAt}` : ''
  const limit = rowsMax === undefined ? '' : ` LIMIT ${rowsMax}`
  return `SELECT ${list.join(', ')} FROM ${layout.from} WHERE ${condition(layout, range)}${order}${limit}`
}

export function countRows(layout: ObjectLayout, range: Range): string {
  return `SELECT pg_catalog.count(*)::text AS rows FROM ${layout.from} WHERE ${condition(layout, range)}`
}

function condition(layout: ObjectLayout, range: Range): string {
  const updatedAt = column(layout, 'updated_at')
  const first = literal(layout, '0001-01-01 00:00:00')
  const end = literal(layout, '10000-01-01 00:00:00')
  switch (range.kind) {
    // Infinity is after, -infinity and BC are before every finite timestamp of our era.
    case 'outside':
      return `(${updatedAt} IS NULL OR ${updatedAt} < ${first} OR ${updatedAt} >= ${end})`
    case 'after': {
      const start = range.from === undefined ? first : literal(layout, checked(range.from.updatedAt))
      const after = range.from === undefined || range.from.inclusive ? '>=' : '>'
      return `${updatedAt} ${after} ${start} AND ${updatedAt} < ${end}`
    }
    case 'at':
      return `${updatedAt} = ${literal(layout, checked(range.updatedAt))}`
  }
}

/** A bound of more digits would be rounded, up or down, without a word. */
function checked(updatedAt: string): string {
  const canonical = canonicalTimestamp(updatedAt, timestampDigits)
  if (canonical === undefined || canonical.length > '0001-01-01 00:00:00.'.length + timestampDigits) {
    throw new SluiceError(
      'config_invalid',
      `The watermark ${JSON.stringify(updatedAt)} is no timestamp of at most ${timestampDigits} digits after the second.`,
    )
  }
  return canonical
}

/** COPY takes no parameters, so timestamps stand in the text; only checked ones come here. */
function literal({ withoutZone }: ObjectLayout, timestamp: string): string {
  return withoutZone ? `TIMESTAMP '${timestamp}'` : `TIMESTAMPTZ '${timestamp}+00'`
}

function column(layout: ObjectLayout, role: ColumnRole): string {
  return `s.${quoteIdentifier(layout.names[role]!)}`
}

function text(layout: ObjectLayout, role: ColumnRole): string {
  return layout.names[role] === undefined ? 'NULL' : `${column(layout, role)}::text`
}
