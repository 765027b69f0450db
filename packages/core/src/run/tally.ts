import { tallyNamesMax } from '../filter/filteredBatch.ts'
import type { Tally } from './runReport.ts'

/** The name under which rows are counted once a tally holds `tallyNamesMax` names. */
export const otherNames = '…'
const nameLengthMax = 255

/** An empty tally. Without a prototype, since a field may be called `__proto__`. */
function emptyTally(): Tally {
  return Object.create(null) as Tally
}

/** Adds `more` to `sums`, which stays bounded whatever names a source invents. */
export function addTally(sums: Tally, more: Tally): Tally {
  let names = Object.keys(sums).length
  for (const [name, rows] of Object.entries(more)) {
    let key = name.length > nameLengthMax ? `${name.slice(0, nameLengthMax)}${otherNames}` : name
    if (!(key in sums) && names >= tallyNamesMax) key = otherNames
    if (!(key in sums)) names++
    sums[key] = (sums[key] ?? 0) + rows
  }
  return sums
}

/** Keeps `__proto__` a plain name, which a plain `JSON.parse` result would do too, but not after it was copied. */
export function parseTally(json: string): Tally {
  return addTally(emptyTally(), JSON.parse(json) as Tally)
}
