import { FileFault } from '@sluice/core/source/fileSource'
import { CsvRecord } from './csvRecord.ts'

const recordBytesMax = 16 * 1024 * 1024
const lineFeed = 0x0a
const carriageReturn = 0x0d
const comma = 0x2c
const quote = 0x22

/** Where in a cell the parser stands. */
type Place =
  /** At its first byte. */
  | 'start'
  | 'plain'
  | 'quoted'
  /** Behind a quote that ends the cell, or is the first of two. */
  | 'after_quote'
  /** Behind a CR that came behind such a quote: only LF can follow. */
  | 'after_return'

/**
 * RFC 4180, strictly, from bytes in chunks of any size. Records end at CRLF or LF; a CR elsewhere in a plain cell belongs
 * to it.
 *
 * Own code, not a library: cells go from bytes to COPY text without becoming strings, an empty cell is told from a quoted
 * one, and an error names the physical line.
 */
export class CsvParser {
  /** 1-based physical line that the parser stands in. */
  line = 1
  readonly #record = new CsvRecord()
  readonly #onRecord: (record: CsvRecord, line: number) => void
  #place: Place = 'start'
  #recordLine = 1
  #quoteLine = 1

  /** `line` is where the record begins. The record is good only during the call. */
  constructor(onRecord: (record: CsvRecord, line: number) => void) {
    this.#onRecord = onRecord
  }

  /** @throws FileFault `invalid_csv` */
  push(bytes: Uint8Array): void {
    const { length } = bytes
    let at = 0
    while (at < length) {
      const byte = bytes[at]!
      if (this.#place === 'quoted') {
        const end = this.#quotedEnd(bytes, at)
        this.#append(bytes, at, end)
        if (end < length) this.#place = 'after_quote'
        at = end + 1
      } else if (byte === lineFeed) {
        this.#endRecord()
        at++
      } else if (this.#place === 'after_return') {
        throw new FileFault('invalid_csv', this.line)
      } else if (byte === comma) {
        this.#record.endCell(this.#place === 'after_quote')
        this.#place = 'start'
        at++
      } else if (this.#place === 'after_quote') {
        if (byte === quote) {
          this.#append(bytes, at, at + 1)
          this.#place = 'quoted'
        } else if (byte === carriageReturn) this.#place = 'after_return'
        else throw new FileFault('invalid_csv', this.line)
        at++
      } else if (byte === quote) {
        if (this.#place === 'plain') throw new FileFault('invalid_csv', this.line)
        this.#place = 'quoted'
        this.#quoteLine = this.line
        at++
      } else {
        const end = plainEnd(bytes, at)
        this.#append(bytes, at, end)
        this.#place = 'plain'
        at = end
      }
    }
  }

  /** @throws FileFault `invalid_csv` */
  end(): void {
    if (this.#place === 'quoted') throw new FileFault('invalid_csv', this.#quoteLine)
    // The last line break may be missing.
    if (this.#place !== 'start' || this.#record.width > 0) this.#endRecord()
  }

  #endRecord(): void {
    const quoted = this.#place === 'after_quote' || this.#place === 'after_return'
    if (!quoted) this.#record.dropReturn()
    this.#record.endCell(quoted)
    this.#onRecord(this.#record, this.#recordLine)
    this.#record.clear()
    this.#place = 'start'
    this.line++
    this.#recordLine = this.line
  }

  #quotedEnd(bytes: Uint8Array, start: number): number {
    let at = start
    while (at < bytes.length && bytes[at] !== quote) {
      if (bytes[at] === lineFeed) this.line++
      at++
    }
    return at
  }

  #append(bytes: Uint8Array, start: number, end: number): void {
    this.#record.append(bytes, start, end)
    if (this.#record.length > recordBytesMax) throw new FileFault('invalid_csv', this.#recordLine)
  }
}

function plainEnd(bytes: Uint8Array, start: number): number {
  let at = start + 1
  while (at < bytes.length) {
    const byte = bytes[at]
    if (byte === comma || byte === lineFeed || byte === quote) break
    at++
  }
  return at
}
