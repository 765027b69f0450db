import { afterCharacter } from './utf8Character.ts'

/** §2. Characters are Unicode code points. */
const charactersMax = 255

/** Whether `bytes[start, end)` may be an ID: UTF-8, 1 to 255 characters, no NUL or other control character (category Cc). */
export function isValidId(bytes: Uint8Array, start: number, end: number): boolean {
  let characters = 0
  let pos = start
  while (pos < end) {
    const byte = bytes[pos]!
    if (byte < 0x80) {
      if (byte < 0x20 || byte === 0x7f) return false
      pos++
    } else {
      // U+0080 to U+009F.
      if (byte === 0xc2 && bytes[pos + 1]! < 0xa0) return false
      pos = afterCharacter(bytes, pos, end)
      if (pos < 0) return false
    }
    if (++characters > charactersMax) return false
  }
  return characters > 0
}
