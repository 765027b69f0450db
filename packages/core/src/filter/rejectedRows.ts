import { payloadBytesMax } from '../payload/payloadFilter.ts'
import { ByteWriter } from '../rows/byteWriter.ts'
import { writeEscaped, writeNull } from '../rows/copyText.ts'
import { type RejectionCode, rejections } from '../rows/rejection.ts'
import type { RowColumn, RowReader } from '../rows/rowReader.ts'
import { afterCharacter } from '../rows/utf8Character.ts'

export interface Rejection {
  code: RejectionCode
  /** The fields that are to blame, by path. */
  fields: readonly string[]
  isConditional: boolean
}

/** What stands for a byte sequence that is not UTF-8: U+FFFD. */
const replacement = Uint8Array.of(0xef, 0xbf, 0xbd)
const nul = new TextEncoder().encode('\\u0000')

/** Writes the lines of `rejectedColumns`. */
export class RejectedRows {
  readonly lines = new ByteWriter(4096)
  private readonly hash: (bytes: Uint8Array) => string
  private readonly scratch = new ByteWriter(4096)

  constructor(hash: (bytes: Uint8Array) => string) {
    this.hash = hash
  }

  /** `isVolatile`: UPDATED_AT does not tell this row from another. */
  add(row: RowReader, { code, fields, isConditional }: Rejection, isVolatile: boolean): void {
    const { lines } = this
    lines.text(String(row.ordinal))
    lines.byte(0x09)
    lines.text(this.key(row, code, isVolatile))
    for (const column of [row.id, row.updatedAt, row.name, row.payload, row.deleted]) {
      lines.byte(0x09)
      this.writeColumn(column, column === row.payload ? payloadBytesMax : Number.POSITIVE_INFINITY)
    }
    lines.byte(0x09)
    lines.text(code)
    lines.byte(0x09)
    this.writeText(sentence(code, fields))
    lines.byte(0x09)
    lines.byte(isConditional ? 0x74 : 0x66)
    lines.byte(0x0a)
  }

  private key(row: RowReader, code: RejectionCode, isVolatile: boolean): string {
    const { scratch } = this
    scratch.length = 0
    scratch.text(code)
    for (const column of [row.id, row.name, row.payload, row.deleted]) {
      scratch.byte(0x09)
      scratch.slice(row.raw, column.rawStart, column.rawEnd)
    }
    if (!isVolatile) {
      scratch.byte(0x09)
      scratch.slice(row.raw, row.updatedAt.rawStart, row.updatedAt.rawEnd)
    }
    return this.hash(scratch.written)
  }

  /** A column as it came, made fit for a store that takes UTF-8 without NUL, and no longer than `bytesMax`. */
  private writeColumn(column: RowColumn, bytesMax: number): void {
    const { lines, scratch } = this
    if (column.isNull) {
      writeNull(lines)
      return
    }
    scratch.length = 0
    const { bytes, end } = column
    let pos = column.start
    while (pos < end) {
      const byte = bytes[pos]!
      let from = bytes
      let start = pos
      let stop = byte < 0x80 ? pos + 1 : afterCharacter(bytes, pos, end)
      pos = stop < 0 ? pos + 1 : stop
      if (stop < 0 || byte === 0) {
        from = byte === 0 ? nul : replacement
        start = 0
        stop = from.length
      }
      if (scratch.length + stop - start > bytesMax) break
      scratch.slice(from, start, stop)
    }
    writeEscaped(lines, scratch.bytes, 0, scratch.length)
  }

  private writeText(text: string): void {
    this.scratch.length = 0
    this.scratch.text(text)
    writeEscaped(this.lines, this.scratch.bytes, 0, this.scratch.length)
  }
}

function sentence(code: RejectionCode, fields: readonly string[]): string {
  return fields.length === 0 ? rejections[code] : `${rejections[code]} (${fields.join(', ')})`
}
