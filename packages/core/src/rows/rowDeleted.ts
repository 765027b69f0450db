import { trimBlanks } from '../fields/blanks.ts'
import { booleanFromText } from '../fields/boolean.ts'

const decoder = new TextDecoder()

/** §2. DELETED in `bytes[start, end)`; nothing but blanks is false; undefined if it is no boolean. */
export function parseDeleted(bytes: Uint8Array, start: number, end: number): boolean | undefined {
  if (end - start === 1) {
    if (bytes[start] === 0x66) return false
    if (bytes[start] === 0x74) return true
  }
  const text = trimBlanks(decoder.decode(bytes.subarray(start, end)))
  return text === '' ? false : booleanFromText(text)
}
