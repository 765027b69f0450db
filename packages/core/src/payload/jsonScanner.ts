import { isStorableNumber } from '../fields/storableNumber.ts'
import { afterCharacter } from '../rows/utf8Character.ts'

export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'true' | 'false' | 'null'

/** The kind of value that a first byte announces. */
const kinds: readonly (JsonKind | undefined)[] = Array.from({ length: 256 }, (_, byte): JsonKind | undefined => {
  const char = String.fromCharCode(byte)
  if (char === '-' || (char >= '0' && char <= '9')) return 'number'
  return ({ '{': 'object', '[': 'array', '"': 'string', t: 'true', f: 'false', n: 'null' } as const)[char]
})

/** 1 for the bytes that a string holds as they are. */
const plain = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte < 0x80 && byte !== 0x22 && byte !== 0x5c ? 1 : 0,
)

const ascii = new TextDecoder()

/** A number of so many characters without exponent is storable whatever its digits are. */
const surelyStorableLength = 16_383

/**
 * Validates JSON (RFC 8259, UTF-8) in one pass, without recursion: any depth is only a longer stack. Each method starts at
 * `pos`, leaves `pos` behind what it read, and returns false where the text is not JSON; `pos` means nothing after that.
 */
export class JsonScanner {
  bytes: Uint8Array = new Uint8Array(0)
  pos = 0
  end = 0
  /** §2. Whether jsonb cannot hold something that was read since the caller last set this to false. */
  unstorable = false
  /** The deepest level of nesting that was met since `open`. */
  levels = 0
  /** The opening brackets of the containers around `pos`. */
  private stack = new Uint8Array(128)

  open(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes
    this.pos = start
    this.end = end
    this.unstorable = false
    this.levels = 0
  }

  /** The byte at `pos`; -1 at the end. */
  peek(): number {
    return this.pos < this.end ? this.bytes[this.pos]! : -1
  }

  /** What kind of value begins at `pos`, by its first byte. */
  kind(): JsonKind | undefined {
    return this.pos < this.end ? kinds[this.bytes[this.pos]!] : undefined
  }

  /** Steps over white space and returns the byte behind it; -1 at the end. */
  skipBlanks(): number {
    // Mostly there is none, and this much is inlined.
    if (this.pos < this.end) {
      const byte = this.bytes[this.pos]!
      if (byte > 0x20) return byte
    }
    return this.skipSomeBlanks()
  }

  private skipSomeBlanks(): number {
    const { bytes, end } = this
    let pos = this.pos
    while (pos < end) {
      const byte = bytes[pos]!
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) {
        this.pos = pos
        return byte
      }
      pos++
    }
    this.pos = pos
    return -1
  }

  /** A key, its colon and the white space around that. */
  key(): boolean {
    return this.peek() === 0x22 && this.string() && this.colon()
  }

  /** A colon and the white space around it. */
  colon(): boolean {
    if (this.skipBlanks() !== 0x3a) return false
    this.pos++
    this.skipBlanks()
    return true
  }

  /** One value of any kind; a container here is at nesting level `level`. */
  value(level: number): boolean {
    const first = this.kind()
    if (first !== 'object' && first !== 'array') return this.scalar(first)
    let depth = 0
    for (;;) {
      const kind = this.kind()
      if (kind === undefined) return false
      if (kind === 'object' || kind === 'array') {
        const opening = this.bytes[this.pos]!
        if (depth === this.stack.length) this.growStack()
        this.stack[depth++] = opening
        if (level + depth - 1 > this.levels) this.levels = level + depth - 1
        this.pos++
        // The closing brackets stand two places behind the opening ones in ASCII.
        if (this.skipBlanks() !== opening + 2) {
          if (kind === 'object' && !this.key()) return false
          continue
        }
        this.pos++
        depth--
      } else if (!this.scalar(kind)) return false

      for (;;) {
        if (depth === 0) return true
        const opening = this.stack[depth - 1]!
        const byte = this.skipBlanks()
        this.pos++
        if (byte === 0x2c) {
          this.skipBlanks()
          if (opening === 0x7b && !this.key()) return false
          break
        }
        if (byte !== opening + 2) return false
        depth--
      }
    }
  }

  /** The scalar of this kind at `pos`. */
  scalar(kind: JsonKind | undefined): boolean {
    switch (kind) {
      case 'string':
        return this.string()
      case 'number':
        return this.number()
      case 'true':
        return this.literal(0x72, 0x75, 0x65)
      case 'null':
        return this.literal(0x75, 0x6c, 0x6c)
      case 'false':
        if (this.end - this.pos < 5 || this.bytes[this.pos + 4] !== 0x65 || !this.literal(0x61, 0x6c, 0x73))
          return false
        this.pos++
        return true
      default:
        return false
    }
  }

  /** A string with its quotes; `pos` is at the first of them. */
  string(): boolean {
    const { bytes, end } = this
    let pos = this.pos + 1
    for (;;) {
      while (pos < end && plain[bytes[pos]!] === 1) pos++
      if (pos >= end) return false
      const byte = bytes[pos]!
      if (byte === 0x22) {
        this.pos = pos + 1
        return true
      }
      if (byte === 0x5c) {
        pos = this.escape(pos)
      } else {
        pos = byte < 0x80 ? -1 : afterCharacter(bytes, pos, end)
      }
      if (pos < 0) return false
    }
  }

  number(): boolean {
    const { bytes, end, pos: start } = this
    let pos = start
    if (bytes[pos] === 0x2d) pos++
    let digits = pos
    pos = afterDigits(bytes, pos, end)
    if (pos === digits || (bytes[digits] === 0x30 && pos > digits + 1)) return false
    if (pos < end && bytes[pos] === 0x2e) {
      digits = pos + 1
      pos = afterDigits(bytes, digits, end)
      if (pos === digits) return false
    }
    let sure = pos - start <= surelyStorableLength
    if (pos < end && (bytes[pos]! | 0x20) === 0x65) {
      sure = false
      pos++
      if (pos < end && (bytes[pos] === 0x2b || bytes[pos] === 0x2d)) pos++
      digits = pos
      pos = afterDigits(bytes, pos, end)
      if (pos === digits) return false
    }
    if (!sure && !isStorableNumber(ascii.decode(bytes.subarray(start, pos)))) this.unstorable = true
    this.pos = pos
    return true
  }

  private literal(second: number, third: number, fourth: number): boolean {
    const { bytes, pos } = this
    if (this.end - pos < 4) return false
    if (bytes[pos + 1] !== second || bytes[pos + 2] !== third || bytes[pos + 3] !== fourth) return false
    this.pos = pos + 4
    return true
  }

  /** The position behind the escape that begins at `pos`; -1 if it is none. */
  private escape(pos: number): number {
    const { bytes, end } = this
    if (pos + 1 >= end) return -1
    switch (bytes[pos + 1]) {
      case 0x22: // "
      case 0x5c: // \
      case 0x2f: // /
      case 0x62: // b
      case 0x66: // f
      case 0x6e: // n
      case 0x72: // r
      case 0x74: // t
        return pos + 2
      case 0x75: {
        const unit = codeUnit(bytes, pos, end)
        if (unit < 0) return -1
        if (unit === 0 || (unit >= 0xdc00 && unit <= 0xdfff)) this.unstorable = true
        else if (unit >= 0xd800 && unit <= 0xdbff) {
          const low = codeUnit(bytes, pos + 6, end)
          if (low >= 0xdc00 && low <= 0xdfff) return pos + 12
          // Half a pair is JSON all the same. What follows it is looked at in its turn.
          this.unstorable = true
        }
        return pos + 6
      }
      default:
        return -1
    }
  }

  private growStack(): void {
    const grown = new Uint8Array(this.stack.length * 2)
    grown.set(this.stack)
    this.stack = grown
  }
}

function afterDigits(bytes: Uint8Array, start: number, end: number): number {
  let pos = start
  while (pos < end && bytes[pos]! >= 0x30 && bytes[pos]! <= 0x39) pos++
  return pos
}

/** The UTF-16 unit of a `\uXXXX` that begins at `pos`; -1 if there is none. */
function codeUnit(bytes: Uint8Array, pos: number, end: number): number {
  if (pos + 6 > end || bytes[pos] !== 0x5c || bytes[pos + 1] !== 0x75) return -1
  let unit = 0
  for (let i = pos + 2; i < pos + 6; i++) {
    const byte = bytes[i]!
    const letter = byte | 0x20
    if (byte >= 0x30 && byte <= 0x39) unit = unit * 16 + byte - 0x30
    else if (letter >= 0x61 && letter <= 0x66) unit = unit * 16 + letter - 0x57
    else return -1
  }
  return unit
}
