import { booleanFromText } from '@sluice/core/fields/boolean'

const tab = 0x09
const decoder = new TextDecoder()

/** Whether the raw row that ends at the line feed at `lineEnd` has a DELETED that the filter takes as true. */
export function isDeletion(row: Uint8Array, lineEnd: number): boolean {
  // What sources yield nearly always: `f`, `t`, `\N`, nothing.
  const last = row[lineEnd - 1]
  const before = row[lineEnd - 2]
  if (before === tab) {
    if (last === 0x66) return false
    if (last === 0x74) return true
  }
  if (last === tab || (last === 0x4e && before === 0x5c)) return false
  let start = lineEnd
  while (start > 0 && row[start - 1] !== tab) start--
  if (lineEnd - start > deletedBytesMax) return false
  return booleanFromText(unescapeBlanks(decoder.decode(row.subarray(start, lineEnd)))) === true
}

/** Longer texts may be blanks around `true`; holding such a row back or not is all that depends on it. */
const deletedBytesMax = 1000

function unescapeBlanks(text: string): string {
  return text.includes('\\')
    ? text.replace(/\\([tnrbfv])/g, (_, letter) => blanks[letter as keyof typeof blanks])
    : text
}

const blanks = { t: '\t', n: '\n', r: '\r', b: '\b', f: '\f', v: '\v' }
