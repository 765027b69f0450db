const backslash = 0x5c
const firstSize = 128 * 1024

/** What COPY text writes behind a backslash for a byte; 0: the byte stands for itself. */
const escapes = new Uint8Array(256)
for (const [byte, letter] of [
  [0x08, 'b'],
  [0x09, 't'],
  [0x0a, 'n'],
  [0x0b, 'v'],
  [0x0c, 'f'],
  [0x0d, 'r'],
  [backslash, '\\'],
] as const) {
  escapes[byte] = letter.charCodeAt(0)
}

/** What the letter behind a backslash means in JSON. */
const jsonEscapes = new Uint8Array(256)
for (const [letter, char] of Object.entries({
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
})) {
  jsonEscapes[letter.charCodeAt(0)] = char.charCodeAt(0)
}

/**
 * What becomes of half a surrogate pair, which JSON can write and UTF-8 cannot.
 * - `null`: the whole value becomes NULL, and the row is rejected
 * - `replace`: U+FFFD, for values of which no more is asked than that they be wrong
 * - `keep`: the six characters of its escape, which mean the same inside JSON text
 */
export type LoneSurrogate = 'null' | 'replace' | 'keep'

/** Builds raw rows (core rows/rawRow.ts) of a file. The caller writes five columns, each begun by `column`. */
export class RowWriter {
  #bytes = Buffer.allocUnsafe(firstSize)
  #length = 0
  rows = 0

  get length(): number {
    return this.#length
  }

  /** The rows written so far, which the writer forgets. */
  take(): { lines: Uint8Array; rows: number } {
    const taken = { lines: this.#bytes.subarray(0, this.#length), rows: this.rows }
    this.#bytes = Buffer.allocUnsafe(firstSize)
    this.#length = 0
    this.rows = 0
    return taken
  }

  /** UPDATED_AT, which files do not have. */
  begin(): void {
    this.null()
  }

  column(): void {
    this.#reserve(1)
    this.#bytes[this.#length++] = 0x09
  }

  end(): void {
    this.#reserve(1)
    this.#bytes[this.#length++] = 0x0a
    this.rows++
  }

  null(): void {
    this.#reserve(2)
    this.#bytes[this.#length++] = backslash
    this.#bytes[this.#length++] = 0x4e
  }

  letter(ascii: number): void {
    this.#reserve(1)
    this.#bytes[this.#length++] = ascii
  }

  /** `from[start, end)` is UTF-8 text. */
  text(from: Uint8Array, start: number, end: number): void {
    this.#reserve((end - start) * 2)
    const to = this.#bytes
    let out = this.#length
    for (let at = start; at < end; at++) {
      const byte = from[at]!
      const short = escapes[byte]!
      if (short === 0) to[out++] = byte
      else {
        to[out++] = backslash
        to[out++] = short
      }
    }
    this.#length = out
  }

  /** `from[start, end)` is a valid JSON string with its quotes; what it stands for is written. */
  jsonString(from: Uint8Array, start: number, end: number, lone: LoneSurrogate): void {
    this.#reserve((end - start) * 2)
    const to = this.#bytes
    let out = this.#length
    let at = start + 1
    const last = end - 1
    while (at < last) {
      const byte = from[at]!
      if (byte !== backslash) {
        // A JSON string holds no control characters as they are, so nothing is to be escaped here.
        to[out++] = byte
        at++
        continue
      }
      const letter = from[at + 1]!
      if (letter === 0x75) {
        let code = hexUnit(from, at + 2)
        let next = at + 6
        if (code >= 0xd800 && code <= 0xdfff) {
          const low =
            code <= 0xdbff && from[next] === backslash && from[next + 1] === 0x75 ? hexUnit(from, next + 2) : 0
          if (low >= 0xdc00 && low <= 0xdfff) {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
            next += 6
          } else if (lone === 'null') {
            this.null()
            return
          } else if (lone === 'replace') code = 0xfffd
          else {
            to[out++] = backslash
            for (let i = at; i < next; i++) to[out++] = from[i]!
            at = next
            continue
          }
        }
        out = writeCodePoint(to, out, code)
        at = next
      } else {
        const meant = jsonEscapes[letter]!
        const short = escapes[meant]!
        if (short !== 0) to[out++] = backslash
        to[out++] = short === 0 ? meant : short
        at += 2
      }
    }
    this.#length = out
  }

  #reserve(more: number): void {
    const needed = this.#length + more
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2))
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#bytes = grown
  }
}

/** As UTF-8, escaped for COPY. */
function writeCodePoint(to: Uint8Array, at: number, code: number): number {
  let out = at
  if (code < 0x80) {
    const short = escapes[code]!
    if (short !== 0) to[out++] = backslash
    to[out++] = short === 0 ? code : short
  } else if (code < 0x800) {
    to[out++] = 0xc0 | (code >> 6)
    to[out++] = 0x80 | (code & 0x3f)
  } else if (code < 0x10000) {
    to[out++] = 0xe0 | (code >> 12)
    to[out++] = 0x80 | ((code >> 6) & 0x3f)
    to[out++] = 0x80 | (code & 0x3f)
  } else {
    to[out++] = 0xf0 | (code >> 18)
    to[out++] = 0x80 | ((code >> 12) & 0x3f)
    to[out++] = 0x80 | ((code >> 6) & 0x3f)
    to[out++] = 0x80 | (code & 0x3f)
  }
  return out
}

/** Four hexadecimal digits, known to be such. */
function hexUnit(from: Uint8Array, at: number): number {
  let unit = 0
  for (let i = at; i < at + 4; i++) {
    const byte = from[i]!
    unit = unit * 16 + (byte <= 0x39 ? byte - 0x30 : (byte | 0x20) - 0x57)
  }
  return unit
}
