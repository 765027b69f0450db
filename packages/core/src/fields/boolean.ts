import { trimBlanks } from './blanks.ts'
import { integerText } from './integer.ts'

const words: ReadonlyMap<string, boolean> = new Map([
  ...['true', 't', 'yes', 'y', '1'].map((word) => [word, true] as const),
  ...['false', 'f', 'no', 'n', '0'].map((word) => [word, false] as const),
])

/** §2, §3. A word for true or false, in any case, with blanks around it. */
export function booleanFromText(text: string): boolean | undefined {
  return words.get(trimBlanks(text).toLowerCase())
}

/** §3. `number` is the text of a JSON number: one that equals 1 or 0. */
export function booleanFromNumber(number: string): boolean | undefined {
  return words.get(integerText(number) ?? '')
}
