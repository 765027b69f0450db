import type { ByteWriter } from './byteWriter.ts'

/** PostgreSQL's COPY text format: how the bytes of one column are written and read. */

/** What follows the backslash for a byte; 0 for a byte that stands for itself. */
const escapes = new Uint8Array(256)
/** The byte that a backslash and this byte stand for. */
const unescapes = Uint8Array.from({ length: 256 }, (_, byte) => byte)
for (const [byte, letter] of [
  [0x08, 0x62], // b
  [0x09, 0x74], // t
  [0x0a, 0x6e], // n
  [0x0b, 0x76], // v
  [0x0c, 0x66], // f
  [0x0d, 0x72], // r
  [0x5c, 0x5c],
] as const) {
  escapes[byte] = letter
  unescapes[letter] = byte
}

/** `\N` */
export function isNull(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === 2 && bytes[start] === 0x5c && bytes[start + 1] === 0x4e
}

export function writeNull(to: ByteWriter): void {
  to.byte(0x5c)
  to.byte(0x4e)
}

export function writeEscaped(to: ByteWriter, from: Uint8Array, start: number, end: number): void {
  to.reserve((end - start) * 2)
  const { bytes } = to
  let at = to.length
  for (let i = start; i < end; i++) {
    const byte = from[i]!
    const letter = escapes[byte]!
    if (letter !== 0) {
      bytes[at++] = 0x5c
      bytes[at++] = letter
    } else bytes[at++] = byte
  }
  to.length = at
}

export function writeUnescaped(to: ByteWriter, from: Uint8Array, start: number, end: number): void {
  to.reserve(end - start)
  const { bytes } = to
  let at = to.length
  for (let i = start; i < end; i++) {
    const byte = from[i]!
    bytes[at++] = byte === 0x5c && i + 1 < end ? unescapes[from[++i]!]! : byte
  }
  to.length = at
}
