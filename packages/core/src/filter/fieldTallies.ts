import type { ObjectPlan } from '../payload/fieldPlan.ts'
import type { Tally } from '../run/runReport.ts'
import { otherNames } from '../run/tally.ts'
import { tallyNamesMax } from './filteredBatch.ts'

/** Longer paths are cut to so many UTF-16 units, the mark of it included. */
const pathLengthMax = 255

export interface FieldTallies {
  droppedFields: Tally
  typeMismatches: Tally
  unstorableValues: Tally
}

/** The counts that a batch left in the plan of its schema, by field path. */
export function fieldTallies(plan: ObjectPlan): FieldTallies {
  const dropped = new Map<string, number>()
  const mismatches = new Map<string, number>()
  const unstorables = new Map<string, number>()
  let rest = 0
  const collect = (object: ObjectPlan, prefix: string) => {
    for (const field of object.fields) {
      const path = prefix + field.name
      add(mismatches, path, field.mismatches)
      add(unstorables, path, field.unstorables)
      if (field.inner !== undefined) collect(field.inner, `${path}.`)
    }
    for (const field of object.unknownFields()) add(dropped, prefix + field.name, field.rows)
    rest += object.unnamedRows
  }
  collect(plan, '')
  return {
    droppedFields: tally(dropped, rest),
    typeMismatches: tally(mismatches, 0),
    unstorableValues: tally(unstorables, 0),
  }
}

function add(counts: Map<string, number>, path: string, count: number): void {
  if (count === 0) return
  const shown = shownPath(path)
  counts.set(shown, (counts.get(shown) ?? 0) + count)
}

/** The names with the largest counts, and what is left of them and of `rest`. Pairs keep `__proto__` a name. */
function tally(counts: Map<string, number>, rest: number): Tally {
  let named = [...counts]
  if (named.length > tallyNamesMax) {
    named.sort(([, a], [, b]) => b - a)
    for (const [, count] of named.slice(tallyNamesMax)) rest += count
    named = named.slice(0, tallyNamesMax)
  }
  const all = new Map(named)
  add(all, otherNames, rest)
  return Object.fromEntries(all)
}

/** A path with names from outside in it, fit for a report that jsonb holds: no NUL, no lone surrogate, no end. */
function shownPath(path: string): string {
  const storable = path
    .replaceAll('\0', '\\u0000')
    .replace(/\p{Surrogate}/gu, (unit) => `\\u${unit.charCodeAt(0).toString(16)}`)
  if (storable.length <= pathLengthMax) return storable
  const cut = storable.slice(0, pathLengthMax - 1)
  return `${cut.isWellFormed() ? cut : cut.slice(0, -1)}…`
}
