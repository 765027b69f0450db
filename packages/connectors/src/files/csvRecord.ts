/** Below this a loop is quicker than a native call and the view that it needs. */
const copiedByHandMax = 200

/** One record of a CSV file while it is read: the cells' bytes one after the other, quotes already taken off. */
export class CsvRecord {
  #bytes = Buffer.allocUnsafe(64 * 1024)
  #length = 0
  #ends: number[] = []
  #nulls: boolean[] = []

  /** Of all cells together. */
  get length(): number {
    return this.#length
  }

  /** Cells that are finished. */
  get width(): number {
    return this.#ends.length
  }

  get bytes(): Uint8Array {
    return this.#bytes
  }

  start(cell: number): number {
    return cell === 0 ? 0 : this.#ends[cell - 1]!
  }

  end(cell: number): number {
    return this.#ends[cell]!
  }

  /** Empty and not quoted. */
  isNull(cell: number): boolean {
    return this.#nulls[cell]!
  }

  text(cell: number): string {
    return this.#bytes.toString('utf8', this.start(cell), this.end(cell))
  }

  append(from: Uint8Array, start: number, end: number): void {
    const length = this.#length + end - start
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(length, this.#bytes.length * 2))
      this.#bytes.copy(grown, 0, 0, this.#length)
      this.#bytes = grown
    }
    if (end - start < copiedByHandMax) {
      const to = this.#bytes
      for (let at = start, out = this.#length; at < end; at++, out++) to[out] = from[at]!
    } else this.#bytes.set(from.subarray(start, end), this.#length)
    this.#length = length
  }

  endCell(quoted: boolean): void {
    this.#nulls.push(!quoted && this.#length === this.start(this.#ends.length))
    this.#ends.push(this.#length)
  }

  /** Takes off the CR of a CRLF that came right behind a plain cell. */
  dropReturn(): void {
    if (this.#length > this.start(this.#ends.length) && this.#bytes[this.#length - 1] === 0x0d) this.#length--
  }

  clear(): void {
    this.#length = 0
    this.#ends = []
    this.#nulls = []
  }
}
