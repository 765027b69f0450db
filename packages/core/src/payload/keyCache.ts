import type { JsonScanner } from './jsonScanner.ts'
import { decodeString } from './jsonString.ts'

const slotsMax = 1024
const keyBytesMax = 64

/** A key, as it was written with its quotes, and what belongs to it. */
interface Slot<T> {
  readonly key: Uint8Array
  readonly value: T
  /** What came behind this key the last time: the first guess for the next time. */
  next: Slot<T> | undefined
}

/**
 * Reads keys and finds what belongs to them by their bytes, so that keys which come again and again are decoded once, and
 * keys in an order that comes again are not even scanned. A direct-mapped cache of fixed size in front of `resolve`:
 * hostile keys only make it useless, never slow or large.
 */
export class KeyCache<T> {
  private readonly resolve: (key: string) => T
  private readonly slots: (Slot<T> | undefined)[] = new Array(slotsMax).fill(undefined)
  private readonly first: Slot<T>
  private last: Slot<T>

  constructor(resolve: (key: string) => T) {
    this.resolve = resolve
    this.first = { key: new Uint8Array(0), value: resolve(''), next: undefined }
    this.last = this.first
  }

  /** A next object begins. */
  begin(): void {
    this.last = this.first
  }

  /** Reads the key at `scanner.pos`; `value` is then what belongs to it. False if there is none. */
  read(scanner: JsonScanner): boolean {
    const { bytes, pos } = scanner
    const guess = this.last.next
    if (guess !== undefined && pos + guess.key.length <= scanner.end && isSame(guess.key, bytes, pos)) {
      scanner.pos = pos + guess.key.length
      this.last = guess
      return true
    }
    if (scanner.peek() !== 0x22 || !scanner.string()) return false
    const slot = this.find(bytes, pos, scanner.pos)
    if (slot.key.length <= keyBytesMax) this.last.next = slot
    this.last = slot
    return true
  }

  get value(): T {
    return this.last.value
  }

  private find(bytes: Uint8Array, start: number, end: number): Slot<T> {
    if (end - start > keyBytesMax) return this.slot(bytes, start, end)
    let hash = 0
    for (let i = start + 1; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0
    const at = (hash ^ (hash >>> 10)) & (slotsMax - 1)
    const slot = this.slots[at]
    if (slot !== undefined && slot.key.length === end - start && isSame(slot.key, bytes, start)) return slot
    const fresh = this.slot(bytes, start, end)
    this.slots[at] = fresh
    return fresh
  }

  private slot(bytes: Uint8Array, start: number, end: number): Slot<T> {
    return {
      key: bytes.slice(start, end),
      value: this.resolve(decodeString(bytes, start, end)),
      next: undefined,
    }
  }
}

function isSame(key: Uint8Array, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < key.length; i++) {
    if (key[i] !== bytes[start + i]) return false
  }
  return true
}
