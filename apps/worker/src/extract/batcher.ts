import type { Boundary } from '@sluice/core/batch/batchRef'
import { SluiceError } from '@sluice/core/faults'
import { canonicalTimestamp, compareTimestamps } from '@sluice/core/watermark/sourceTimestamp'
import { isDeletion } from './isDeletion.ts'

/** Whole raw rows, not copied: slices of the chunks that they came in. */
export interface Batch {
  pieces: Uint8Array[]
  rows: number
  bytes: number
  /** Exact text, padded; absent for rows outside every watermark. */
  firstUpdatedAt?: string
  lastUpdatedAt?: string
  /** Where the watermark may stand once this batch and all before it are applied. */
  boundary?: Boundary
}

/**
 * - batch: the next one in order.
 * - aside: to be staged now and offered at the next release: deletions of a timestamp that has not ended.
 * - release: what was set aside comes next, in its order.
 */
export type Cut = { kind: 'batch' | 'aside'; batch: Batch } | { kind: 'release' }

const tab = 0x09
const lineFeed = 0x0a
const decoder = new TextDecoder()

/**
 * Cuts raw rows, ascending by UPDATED_AT, into batches. Where it can, it cuts at the end of a timestamp, so that the
 * watermark may move there. §4: among the rows of one timestamp a deletion wins, so deletions are held back to its end.
 */
export class Batcher {
  /** A batch holds at most so many rows and bytes, but at least one row. May be changed between two cuts. */
  rowsMax: number
  bytesMax: number
  readonly #digits: number

  // The next batch, as far as it has come.
  #pieces: Uint8Array[] = []
  #rows = 0
  #bytes = 0
  #first: string | undefined

  // Its part up to the last timestamp that ended within it. 0 rows: none did.
  #endedRows = 0
  #endedBytes = 0
  #endedStampIn: Uint8Array = new Uint8Array()
  #endedStampAt = 0
  #endedStampLength = 0
  #endedGroupRows = 0

  // The timestamp whose rows are coming in: where its text stands, as the source wrote it. Nothing is made for a row, and
  // each row may be of a timestamp of its own. Rows outside every watermark come before all others.
  #timed = false
  #stampIn: Uint8Array = new Uint8Array()
  #stampAt = 0
  #stampLength = 0
  #groupRows = 0

  // Its deletions.
  #held: Uint8Array[] = []
  #heldRows = 0
  #heldBytes = 0
  #aside = false

  #boundary: Boundary | undefined

  constructor(options: { rowsMax: number; bytesMax: number; timestampDigits: number }) {
    this.rowsMax = options.rowsMax
    this.bytesMax = options.bytesMax
    this.#digits = options.timestampDigits
  }

  /** Takes whole rows. The chunk must not change afterwards. */
  *push(chunk: Uint8Array): Generator<Cut> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    // Rows of the chunk from `start` to `at` are counted, but not yet among the pieces.
    let start = 0
    let at = 0
    while (at < bytes.length) {
      let stampEnd = at + this.#stampLength
      if (this.#stampLength === 0 || bytes[stampEnd] !== tab || !this.#hasStamp(bytes, at)) {
        stampEnd = at
        while (stampEnd < bytes.length && bytes[stampEnd] !== tab) stampEnd++
        if (this.#timed && this.#heldRows === 0 && !this.#aside) {
          this.#markEnded()
        } else {
          this.#addPiece(bytes, start, at)
          start = at
          yield* this.#endTimestamp()
          if (
            !this.#timed &&
            canonicalTimestamp(decoder.decode(bytes.subarray(at, stampEnd)), this.#digits) !== undefined
          ) {
            while (this.#rows > 0) yield this.#cut()
            this.#timed = true
          }
        }
        this.#stampIn = bytes
        this.#stampAt = at
        this.#stampLength = stampEnd - at
        this.#groupRows = 0
      }
      const lineEnd = bytes.indexOf(lineFeed, stampEnd)
      if (lineEnd < 0) throw new Error('A chunk of raw rows must end with a whole row.')
      const end = lineEnd + 1

      if (this.#timed && isDeletion(bytes, lineEnd)) {
        this.#addPiece(bytes, start, at)
        start = end
        if (this.#heldRows > 0 && (this.#heldRows >= this.rowsMax || this.#heldBytes + end - at > this.bytesMax))
          yield this.#setAside()
        this.#held.push(bytes.subarray(at, end))
        this.#heldRows++
        this.#heldBytes += end - at
      } else {
        if (this.#overflows(1, end - at)) {
          this.#addPiece(bytes, start, at)
          start = at
          do yield this.#cut()
          while (this.#overflows(1, end - at))
        }
        if (this.#first === undefined && this.#timed) this.#first = this.#updatedAt()
        this.#rows++
        this.#bytes += end - at
      }
      this.#groupRows++
      at = end
    }
    this.#addPiece(bytes, start, at)
  }

  /** The source has no more rows: the last timestamp has ended, too. */
  *finish(): Generator<Cut> {
    yield* this.#endTimestamp()
    while (this.#rows > 0) yield this.#cut()
  }

  /** The source broke off: only timestamps that ended are whole. */
  *finishEnded(): Generator<Cut> {
    if (this.#timed ? this.#endedRows > 0 : this.#rows > 0) yield this.#cut()
  }

  /** The held deletions follow the other rows of their timestamp, which then is whole. */
  *#endTimestamp(): Generator<Cut> {
    if (this.#groupRows === 0 || !this.#timed) return
    if (this.#aside) {
      while (this.#rows > 0) yield this.#cut()
      yield { kind: 'release' }
      this.#aside = false
    }
    if (this.#heldRows > 0) {
      while (this.#overflows(this.#heldRows, this.#heldBytes)) yield this.#cut()
      this.#first ??= this.#updatedAt()
      for (const row of this.#held) this.#pieces.push(row)
      this.#rows += this.#heldRows
      this.#bytes += this.#heldBytes
      this.#clearHeld()
    }
    this.#markEnded()
  }

  #markEnded(): void {
    this.#endedRows = this.#rows
    this.#endedBytes = this.#bytes
    this.#endedStampIn = this.#stampIn
    this.#endedStampAt = this.#stampAt
    this.#endedStampLength = this.#stampLength
    this.#endedGroupRows = this.#groupRows
  }

  #overflows(rows: number, bytes: number): boolean {
    return this.#rows > 0 && (this.#rows + rows > this.rowsMax || this.#bytes + bytes > this.bytesMax)
  }

  /** Up to the end of a timestamp if one ended within the batch, else all of it. */
  #cut(): Cut {
    const whole = this.#endedRows === 0
    const rows = whole ? this.#rows : this.#endedRows
    const bytes = whole ? this.#bytes : this.#endedBytes
    const { head, rest } = whole ? { head: this.#pieces, rest: [] } : splitPieces(this.#pieces, bytes)
    const batch: Batch = { pieces: head, rows, bytes }
    if (this.#timed && this.#first !== undefined) {
      batch.firstUpdatedAt = this.#first
      batch.lastUpdatedAt = whole ? this.#updatedAt() : this.#endedUpdatedAt()
      if (!whole) batch.boundary = this.#nextBoundary(batch.lastUpdatedAt)
    }
    this.#pieces = rest
    this.#rows -= rows
    this.#bytes -= bytes
    this.#first = this.#rows > 0 ? this.#updatedAt() : undefined
    this.#endedRows = 0
    this.#endedBytes = 0
    return { kind: 'batch', batch }
  }

  #nextBoundary(updatedAt: string): Boundary {
    if (this.#boundary !== undefined && compareTimestamps(updatedAt, this.#boundary.updatedAt) <= 0)
      throw new SluiceError('internal', 'The source did not yield its rows ascending by UPDATED_AT.')
    this.#boundary = { updatedAt, rowsAtUpdatedAt: this.#endedGroupRows }
    return this.#boundary
  }

  #setAside(): Cut {
    const updatedAt = this.#updatedAt()
    const batch: Batch = {
      pieces: this.#held,
      rows: this.#heldRows,
      bytes: this.#heldBytes,
      firstUpdatedAt: updatedAt,
      lastUpdatedAt: updatedAt,
    }
    this.#clearHeld()
    this.#aside = true
    return { kind: 'aside', batch }
  }

  #clearHeld(): void {
    this.#held = []
    this.#heldRows = 0
    this.#heldBytes = 0
  }

  #addPiece(bytes: Uint8Array, start: number, end: number): void {
    if (end > start) this.#pieces.push(bytes.subarray(start, end))
  }

  #hasStamp(bytes: Uint8Array, at: number): boolean {
    const stampIn = this.#stampIn
    const stampAt = this.#stampAt
    // From the end, where timestamps differ.
    for (let i = this.#stampLength - 1; i >= 0; i--) if (bytes[at + i] !== stampIn[stampAt + i]) return false
    return true
  }

  #updatedAt(): string {
    return this.#canonical(this.#stampIn.subarray(this.#stampAt, this.#stampAt + this.#stampLength))
  }

  #endedUpdatedAt(): string {
    return this.#canonical(this.#endedStampIn.subarray(this.#endedStampAt, this.#endedStampAt + this.#endedStampLength))
  }

  #canonical(stamp: Uint8Array): string {
    const text = canonicalTimestamp(decoder.decode(stamp), this.#digits)
    if (text === undefined) throw new SluiceError('internal', 'The source yielded an UPDATED_AT of an unknown form.')
    return text
  }
}

function splitPieces(pieces: Uint8Array[], bytes: number): { head: Uint8Array[]; rest: Uint8Array[] } {
  let left = bytes
  let index = 0
  while (left > 0 && pieces[index]!.length <= left) left -= pieces[index++]!.length
  if (left === 0) return { head: pieces.slice(0, index), rest: pieces.slice(index) }
  const cut = pieces[index]!
  return {
    head: [...pieces.slice(0, index), cut.subarray(0, left)],
    rest: [cut.subarray(left), ...pieces.slice(index + 1)],
  }
}
