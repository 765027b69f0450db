const encoder = new TextEncoder()
/** Shorter slices are copied faster byte by byte than by a call. */
const callWorthwhile = 96

/** A growing buffer. `bytes` is replaced when it grows: offsets stay good, references to it do not. */
export class ByteWriter {
  bytes: Uint8Array<ArrayBuffer>
  length = 0

  constructor(capacity: number) {
    this.bytes = new Uint8Array(Math.max(capacity, 64))
  }

  /** What was written, without a copy: a view into a larger buffer. */
  get written(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }

  /** Makes room for so many bytes more. */
  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + count))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
  }

  byte(byte: number): void {
    this.reserve(1)
    this.bytes[this.length++] = byte
  }

  slice(from: Uint8Array, start: number, end: number): void {
    this.reserve(end - start)
    // Only now: `from` may be this writer's own buffer, which still holds what it held.
    const to = this.bytes
    if (end - start >= callWorthwhile) {
      to.set(from.subarray(start, end), this.length)
      this.length += end - start
      return
    }
    let at = this.length
    for (let i = start; i < end; i++) to[at++] = from[i]!
    this.length = at
  }

  text(text: string): void {
    const length = text.length
    this.reserve(length * 3)
    const to = this.bytes
    let at = this.length
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i)
      if (unit >= 0x80) {
        this.length += encoder.encodeInto(text, to.subarray(this.length)).written
        return
      }
      to[at++] = unit
    }
    this.length = at
  }
}
