import { trimBlanks } from './blanks.ts'

const jsonNumber = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/

/** §3. The text of a JSON number out of a string that is one, with blanks around it. */
export function numberFromText(text: string): string | undefined {
  const trimmed = trimBlanks(text)
  return jsonNumber.test(trimmed) ? trimmed : undefined
}
