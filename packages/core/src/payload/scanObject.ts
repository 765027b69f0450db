import { type JsonKind, JsonScanner } from './jsonScanner.ts'
import { KeyCache } from './keyCache.ts'

/**
 * A top-level member: its key, decoded; the kind of its value; `bytes[start, end)` is the value's text, without white space
 * around it. Told in the order of the text, a duplicate key again.
 */
export type OnMember = (key: string, kind: JsonKind, start: number, end: number) => void

/** Kept from call to call; more than one only if `onMember` calls `scanObject` itself. */
const idle: { scanner: JsonScanner; keys: KeyCache<string> }[] = []

/**
 * Checks strictly that `bytes[start, end)` is one JSON object (RFC 8259, UTF-8, no BOM), white space around it allowed, and
 * tells its top-level members. Returns false if it is not; the members told by then count for nothing.
 */
export function scanObject(bytes: Uint8Array, start: number, end: number, onMember: OnMember): boolean {
  const reader = idle.pop() ?? { scanner: new JsonScanner(), keys: new KeyCache((key) => key) }
  const { scanner, keys } = reader
  scanner.open(bytes, start, end)
  keys.begin()
  const isObject = scan(scanner, keys, onMember)
  idle.push(reader)
  return isObject
}

function scan(scanner: JsonScanner, keys: KeyCache<string>, onMember: OnMember): boolean {
  if (scanner.skipBlanks() !== 0x7b) return false
  scanner.pos++
  if (scanner.skipBlanks() !== 0x7d) {
    for (;;) {
      if (!keys.read(scanner) || !scanner.colon()) return false
      const kind = scanner.kind()
      const start = scanner.pos
      if (kind === undefined || !scanner.value(2)) return false
      onMember(keys.value, kind, start, scanner.pos)
      const byte = scanner.skipBlanks()
      if (byte === 0x7d) break
      if (byte !== 0x2c) return false
      scanner.pos++
      scanner.skipBlanks()
    }
  }
  scanner.pos++
  return scanner.skipBlanks() === -1
}
