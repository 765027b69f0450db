import { ByteWriter } from './byteWriter.ts'
import { isNull, writeUnescaped } from './copyText.ts'
import { rawRowColumns } from './rawRow.ts'

/** The value of a column, its escapes undone: `bytes[start, end)`, good until the next row. NULL is `isNull`. */
export class RowColumn {
  bytes: Uint8Array
  start = 0
  end = 0
  isNull = false
  /** The column as it stands in the raw batch. */
  rawStart = 0
  rawEnd = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
}

/** Reads the lines of a raw batch (see rawRow.ts) one by one, into the same columns. */
export class RowReader {
  readonly raw: Uint8Array
  /** Of the row that was read last. */
  ordinal = -1
  readonly updatedAt: RowColumn
  readonly id: RowColumn
  readonly name: RowColumn
  readonly payload: RowColumn
  readonly deleted: RowColumn

  private pos = 0
  /** The first backslash at or after `pos`. */
  private backslash = -1
  private readonly unescaped = new ByteWriter(4096)

  constructor(raw: Uint8Array) {
    this.raw = raw
    this.updatedAt = new RowColumn(raw)
    this.id = new RowColumn(raw)
    this.name = new RowColumn(raw)
    this.payload = new RowColumn(raw)
    this.deleted = new RowColumn(raw)
  }

  /** False at the end. @throws Error for a line that is no raw row: a bug of whoever staged it */
  next(): boolean {
    const { raw, pos } = this
    if (pos === raw.length) return false
    this.ordinal++
    const end = raw.indexOf(0x0a, pos)
    const updatedAtEnd = this.tab(pos, end)
    const idEnd = this.tab(updatedAtEnd + 1, end)
    const nameEnd = this.tab(idEnd + 1, end)
    // The last column is short, so the end of the long one before it is found from behind.
    let payloadEnd = end - 1
    while (payloadEnd > nameEnd && raw[payloadEnd] !== 0x09) payloadEnd--
    if (payloadEnd <= nameEnd) throw this.broken()

    this.unescaped.length = 0
    // What is unescaped may not move while the row is in use.
    this.unescaped.reserve(end - pos)
    this.read(this.updatedAt, pos, updatedAtEnd)
    this.read(this.id, updatedAtEnd + 1, idEnd)
    this.read(this.name, idEnd + 1, nameEnd)
    this.read(this.payload, nameEnd + 1, payloadEnd)
    this.read(this.deleted, payloadEnd + 1, end)
    this.pos = end + 1
    return true
  }

  private tab(start: number, end: number): number {
    const { raw } = this
    for (let i = start; i < end; i++) {
      if (raw[i] === 0x09) return i
    }
    throw this.broken()
  }

  private read(column: RowColumn, start: number, end: number): void {
    column.rawStart = start
    column.rawEnd = end
    column.isNull = false
    if (this.backslash < start) {
      const next = this.raw.indexOf(0x5c, start)
      this.backslash = next === -1 ? this.raw.length : next
    }
    if (this.backslash >= end) {
      column.bytes = this.raw
      column.start = start
      column.end = end
      return
    }
    if (isNull(this.raw, start, end)) {
      column.isNull = true
      column.start = column.end = start
      return
    }
    column.start = this.unescaped.length
    writeUnescaped(this.unescaped, this.raw, start, end)
    column.bytes = this.unescaped.bytes
    column.end = this.unescaped.length
  }

  private broken(): Error {
    return new Error(`Row ${this.ordinal} of a raw batch has not the columns ${rawRowColumns.join(', ')}`)
  }
}
