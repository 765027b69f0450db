/**
 * The law of §4, one row after the other, as slowly and plainly as it can be said. It knows only what the property tests
 * generate: fields `a`, `b` (string), `deep` (object, merge: deep) and `r` (string, required).
 */
export interface OracleRow {
  t: string
  id: string
  name: string
  /** Absent for a delete. */
  fields?: Record<string, unknown>
}

export interface OracleAccount {
  id: string
  name: string
  attributes: Record<string, unknown>
  updated_at: string
}

export function applyOneByOne(accounts: Map<string, OracleAccount>, rows: OracleRow[], required: boolean): void {
  for (const row of inOrderOfEffect(rows)) {
    if (row.fields === undefined) {
      accounts.delete(row.id)
      continue
    }
    if (required && row.fields.r === null) continue
    const old = accounts.get(row.id)
    if (required && old === undefined && row.fields.r === undefined) continue
    const attributes = structuredClone(old?.attributes ?? {})
    for (const [field, value] of Object.entries(row.fields)) {
      if (value === null) delete attributes[field]
      else attributes[field] = field === 'deep' ? mergePatch(attributes[field], value) : value
    }
    if (old !== undefined && old.name === row.name && same(old.attributes, attributes)) continue
    accounts.set(row.id, { id: row.id, name: row.name, attributes, updated_at: row.t })
  }
}

/** By UPDATED_AT; at one UPDATED_AT in the order of the source, a delete last. */
export function inOrderOfEffect(rows: OracleRow[]): OracleRow[] {
  return rows
    .map((row, place) => ({ row, place }))
    .sort(
      (x, y) =>
        (x.row.t < y.row.t ? -1 : x.row.t > y.row.t ? 1 : 0) ||
        Number(x.row.fields === undefined) - Number(y.row.fields === undefined) ||
        x.place - y.place,
    )
    .map(({ row }) => row)
}

/** RFC 7396, as printed there. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else merged[key] = mergePatch(merged[key], value)
  }
  return merged
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function same(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b)
}

function canonical(value: unknown): string {
  if (!isObject(value)) return JSON.stringify(value)
  return `{${Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`)
    .join()}}`
}
