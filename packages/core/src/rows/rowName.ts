import { afterCharacter } from './utf8Character.ts'

/** §2. Characters are Unicode code points. */
const charactersMax = 5000

/** Whether `bytes[start, end)` may be a NAME: UTF-8, 1 to 5,000 characters, without NUL, which no store can hold. */
export function isValidName(bytes: Uint8Array, start: number, end: number): boolean {
  let characters = 0
  let pos = start
  while (pos < end) {
    const byte = bytes[pos]!
    if (byte === 0) return false
    pos = byte < 0x80 ? pos + 1 : afterCharacter(bytes, pos, end)
    if (pos < 0 || ++characters > charactersMax) return false
  }
  return characters > 0
}
