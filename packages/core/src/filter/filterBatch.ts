import { PayloadFilter } from '../payload/payloadFilter.ts'
import { ByteWriter } from '../rows/byteWriter.ts'
import { writeEscaped, writeNull } from '../rows/copyText.ts'
import type { RejectionCode } from '../rows/rejection.ts'
import { parseDeleted } from '../rows/rowDeleted.ts'
import { isValidId } from '../rows/rowId.ts'
import { isValidName } from '../rows/rowName.ts'
import { type RowColumn, RowReader } from '../rows/rowReader.ts'
import { canonicalTimestamp, compareTimestamps, writeCanonicalTimestamp } from '../watermark/sourceTimestamp.ts'
import { ChangeLines } from './changeLines.ts'
import { fieldTallies } from './fieldTallies.ts'
import type { FilteredBatch, FilterOptions } from './filteredBatch.ts'
import { RejectedRows, type Rejection } from './rejectedRows.ts'

const hashLength = 32
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * Raw rows (see rawRow.ts) in, changes and rejected rows out, as views into larger buffers. Pure but for `options.hash`,
 * and one row never stops it.
 * @throws Error for bytes that are no raw rows: a bug of whoever staged them
 */
export function filterBatch(raw: Uint8Array, options: FilterOptions): FilteredBatch {
  return new BatchFilter(raw, options).run()
}

class BatchFilter {
  private readonly row: RowReader
  private readonly options: FilterOptions
  private readonly payload: PayloadFilter
  private readonly changes: ChangeLines
  private readonly rejected: RejectedRows
  private readonly volatileFrom: string | undefined
  private readonly rejectedByCode = new Map<RejectionCode, number>()
  private rowsRejected = 0

  private isDelete = false
  /** UPDATED_AT of the row in canonical form: `timestamp.bytes[0, timestamp.length)`; empty for files. */
  private readonly timestamp = new ByteWriter(64)

  constructor(raw: Uint8Array, options: FilterOptions) {
    this.row = new RowReader(raw)
    this.options = options
    this.payload = new PayloadFilter(options.schema.fields)
    this.changes = new ChangeLines(options.order, raw.length + raw.length / 4)
    this.rejected = new RejectedRows(options.hash)
    this.volatileFrom =
      options.volatileFrom === undefined ? undefined : canonicalTimestamp(options.volatileFrom, options.timestampDigits)
  }

  run(): FilteredBatch {
    const { row, payload } = this
    while (row.next()) this.filterRow()
    const { plain, changes, stepsMax } = this.changes.divide()
    return {
      plain,
      changes,
      rejected: this.rejected.lines.written,
      report: {
        rowsRead: row.ordinal + 1,
        rowsChanges: this.changes.count,
        rowsRejected: this.rowsRejected,
        stepsMax,
        rejected: Object.fromEntries(this.rejectedByCode),
        ...fieldTallies(payload.plan),
      },
    }
  }

  private filterRow(): void {
    const rejection = this.rejection()
    if (rejection === undefined) this.writeChange()
    else this.reject(rejection)
  }

  /** §2. The checks in the order of the table, then those of §3. A delete needs only its ID and UPDATED_AT. */
  private rejection(): Rejection | undefined {
    const { row, payload } = this
    const deleted = row.deleted.isNull ? false : parseDeleted(row.deleted.bytes, row.deleted.start, row.deleted.end)
    this.isDelete = deleted === true
    this.timestamp.length = 0
    if (!isGood(row.id, isValidId)) return rejectionOf('invalid_id')
    if (!this.isDelete) {
      if (!isGood(row.name, isValidName)) return rejectionOf('invalid_name')
      const code = this.readPayload(row.payload)
      if (code !== undefined) return rejectionOf(code)
      if (deleted === undefined) return rejectionOf('invalid_deleted')
    }
    if (this.options.order === 'timestamp') {
      const code = this.readTimestamp(row.updatedAt)
      if (code !== undefined) return rejectionOf(code)
    }
    if (this.isDelete) return undefined

    if (this.options.onTypeMismatch === 'reject_row') {
      const field = payload.plan.mismatch()
      if (field !== undefined) {
        payload.plan.countMismatches()
        return rejectionOf('type_mismatch', [field])
      }
    }
    for (const field of payload.plan.required) {
      if (field.outcome === 'null') return rejectionOf('missing_required', [field.name])
    }
    return undefined
  }

  private readPayload(column: RowColumn): RejectionCode | undefined {
    if (column.start !== column.end)
      return this.payload.read(column.bytes, column.start, column.end, column.bytes === this.row.raw)
    this.payload.readNothing()
    return undefined
  }

  private readTimestamp(column: RowColumn): RejectionCode | undefined {
    if (column.isNull) return 'missing_updated_at'
    const { timestamp } = this
    const { timestampDigits } = this.options
    timestamp.reserve(column.end - column.start + timestampDigits + 1)
    timestamp.length = writeCanonicalTimestamp(
      column.bytes,
      column.start,
      column.end,
      timestampDigits,
      timestamp.bytes,
      0,
    )
    return timestamp.length === 0 ? 'invalid_updated_at' : undefined
  }

  private reject(rejection: Rejection): void {
    this.rowsRejected++
    this.rejectedByCode.set(rejection.code, (this.rejectedByCode.get(rejection.code) ?? 0) + 1)
    this.rejected.add(this.row, rejection, this.isVolatile())
  }

  private isVolatile(): boolean {
    if (this.volatileFrom === undefined) return false
    const { updatedAt } = this.row
    // A row that was rejected early has not got its timestamp read.
    if (this.timestamp.length === 0 && this.readTimestamp(updatedAt) !== undefined) return false
    const text = decoder.decode(this.timestamp.written)
    return compareTimestamps(text, this.volatileFrom) >= 0
  }

  /** One line of `changeColumns`, cut to `plainColumns` where the rest says nothing. */
  private writeChange(): void {
    const { row, changes, payload, isDelete, timestamp } = this
    const { lines } = changes
    const lineAt = lines.length
    writeEscaped(lines, row.id.bytes, row.id.start, row.id.end)
    const idEnd = lines.length
    lines.byte(0x09)
    if (isDelete) writeNull(lines)
    else writeEscaped(lines, row.name.bytes, row.name.start, row.name.end)
    lines.byte(0x09)
    const updatedAt = lines.length
    if (timestamp.length === 0) writeNull(lines)
    else lines.slice(timestamp.bytes, 0, timestamp.length)
    lines.byte(0x09)
    const hashAt = lines.length
    lines.reserve(hashLength)
    lines.length += hashLength
    lines.byte(0x09)
    if (isDelete) writeNull(lines)
    else {
      payload.plan.count()
      payload.writeSet(lines)
    }

    const plainEnd = lines.length
    lines.byte(0x09)
    const stepAt = lines.length
    lines.byte(0x31)
    lines.byte(0x09)
    lines.byte(isDelete ? 0x64 : 0x75)
    lines.byte(0x09)
    const removes = !isDelete && payload.writeRemove(lines)
    if (!removes) writeNull(lines)
    lines.byte(0x09)
    const merges = !isDelete && payload.writeDeep(lines)
    if (!merges) writeNull(lines)
    const lacksRequired = !isDelete && payload.plan.lacksRequired()
    lines.byte(0x09)
    lines.byte(lacksRequired ? 0x74 : 0x66)

    const isPlain = !(isDelete || removes || merges || lacksRequired)
    if (isPlain) lines.length = plainEnd
    this.writeHash(hashAt, lineAt, updatedAt)
    if (!isPlain) {
      lines.byte(0x09)
      lines.text(String(row.ordinal))
    }
    lines.byte(0x0a)
    changes.add({ lineAt, idEnd, updatedAt, stepAt: isPlain ? -1 : stepAt, ordinal: row.ordinal, isDelete })
    if (lacksRequired) this.rejectConditionally()
  }

  private rejectConditionally(): void {
    const lacking = this.payload.plan.required.filter((field) => field.outcome !== 'value').map((field) => field.name)
    this.rejected.add(this.row, { code: 'missing_required', fields: lacking, isConditional: true }, this.isVolatile())
  }

  /** Everything of the change but its UPDATED_AT and ordinal is brought together behind the line for a moment. */
  private writeHash(hashAt: number, lineAt: number, updatedAt: number): void {
    const { lines } = this.changes
    const lineEnd = lines.length
    lines.byte(0x09)
    lines.slice(lines.bytes, lineAt, updatedAt)
    const hash = this.options.hash(lines.bytes.subarray(hashAt + hashLength, lines.length))
    if (hash.length !== hashLength) throw new Error(`A hash has ${hash.length} characters instead of ${hashLength}`)
    // Into the gap, not through the writer: growing would keep only what stands before the gap.
    for (let i = 0; i < hashLength; i++) lines.bytes[hashAt + i] = hash.charCodeAt(i)
    lines.length = lineEnd
  }
}

function isGood(column: RowColumn, isValid: (bytes: Uint8Array, start: number, end: number) => boolean): boolean {
  return !column.isNull && isValid(column.bytes, column.start, column.end)
}

function rejectionOf(code: RejectionCode, fields: readonly string[] = []): Rejection {
  return { code, fields, isConditional: false }
}
