import { SluiceError } from '@sluice/core/faults'
import type { SourceColumn } from '@sluice/core/source/warehouseSource'

export type ColumnRole = NonNullable<SourceColumn['role']>

export const columnRoles = ['updated_at', 'id', 'name', 'payload', 'deleted'] as const satisfies ColumnRole[]

const listedMax = 50

/**
 * §2. Which of the source's columns Sluice uses as what, without regard to case. UPDATED_AT and ID are required.
 * @throws SluiceError `column_missing`, `column_ambiguous`
 */
export function matchColumns(names: readonly string[]): Partial<Record<ColumnRole, string>> {
  const columns: Partial<Record<ColumnRole, string>> = {}
  for (const role of columnRoles) {
    const [name, other] = names.filter((candidate) => candidate.toLowerCase() === role)
    if (other !== undefined) {
      throw new SluiceError('column_ambiguous', `${role.toUpperCase()} is there as ${quoted([name!, other])}.`)
    }
    if (name !== undefined) columns[role] = name
  }
  const missing = (['updated_at', 'id'] as const).filter((role) => columns[role] === undefined)
  if (missing.length > 0) {
    throw new SluiceError(
      'column_missing',
      `There is no ${missing.map((role) => role.toUpperCase()).join(' and no ')}; the columns are ${quoted(names)}.`,
    )
  }
  return columns
}

function quoted(names: readonly string[]): string {
  if (names.length === 0) return 'none at all'
  const listed = names.slice(0, listedMax).map((name) => JSON.stringify(name))
  return listed.join(', ') + (names.length > listedMax ? ` and ${names.length - listedMax} more` : '')
}
