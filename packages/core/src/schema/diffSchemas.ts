import type { Field, Fields } from './accountSchema.ts'

/** Field paths (`retention.vip`), each in the order of its schema. */
export interface SchemaDifference {
  added: string[]
  removed: string[]
  /** Same name, but another type, `of`, `merge`, `required`, or free instead of with fields. */
  changed: string[]
}

/** What it takes to come from one schema to the other. A new or removed object is one path, without what is in it. */
export function diffSchemas(from: Fields, to: Fields): SchemaDifference {
  const difference: SchemaDifference = { added: [], removed: [], changed: [] }
  compare(from, to, '', difference)
  return difference
}

/** Whether both schemas do the same. The order of fields, and a default that is written out, make no difference. */
export function sameFields(a: Fields, b: Fields): boolean {
  const { added, removed, changed } = diffSchemas(a, b)
  return added.length + removed.length + changed.length === 0
}

function compare(from: Fields, to: Fields, prefix: string, difference: SchemaDifference): void {
  const before = new Map(from)
  const after = new Map(to)
  for (const [name] of from) if (!after.has(name)) difference.removed.push(prefix + name)
  for (const [name, field] of to) {
    const old = before.get(name)
    if (old === undefined) {
      difference.added.push(prefix + name)
      continue
    }
    if (traits(old) !== traits(field)) difference.changed.push(prefix + name)
    if (old.type !== 'object' || field.type !== 'object') continue
    if (old.fields !== undefined && field.fields !== undefined) {
      compare(old.fields, field.fields, `${prefix}${name}.`, difference)
    }
  }
}

/** Everything of a field but the fields inside it. */
function traits(field: Field): string {
  return [
    field.type,
    field.required === true,
    field.type === 'array' && field.of,
    field.type === 'object' && (field.merge ?? 'replace'),
    field.type === 'object' && field.fields !== undefined,
  ].join()
}
