import { isUtf8 } from 'node:buffer'
import { FileFault } from '@sluice/core/source/fileSource'
import { type ColumnRole, columnRoles } from '../columnRoles.ts'
import { CsvParser } from './csvParser.ts'
import type { CsvRecord } from './csvRecord.ts'
import type { FileRows } from './readRows.ts'
import { RowWriter } from './rowWriter.ts'
import { wholeCharacters } from './wholeCharacters.ts'

interface Header {
  width: number
  /** In the order of a raw row; undefined: the file has no such column. */
  cells: (number | undefined)[]
  hasUpdatedAt: boolean
}

/**
 * §6. CSV with a header, whose names count in any case and with blanks around them. A line without any character is passed
 * over, except where the header has one column only: there it is a cell. An empty cell without quotes is NULL.
 * @throws FileFault `invalid_csv`, `wrong_width`, `header_missing`, `column_missing`, `column_ambiguous`,
 * `invalid_encoding`, with the line
 */
export async function* readCsv(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<FileRows, void, undefined> {
  const writer = new RowWriter()
  let header: Header | undefined
  const parser = new CsvParser((record, line) => {
    if (record.width === 1 && record.isNull(0) && header?.width !== 1) return
    if (header === undefined) header = readHeader(record, line)
    else if (record.width === header.width) writeRow(writer, record, header)
    else throw new FileFault('wrong_width', line)
  })
  const take = (): FileRows => ({ ...writer.take(), updatedAtIgnored: header!.hasUpdatedAt })

  for await (const chunk of wholeCharacters(chunks)) {
    if (!isUtf8(chunk)) throw new FileFault('invalid_encoding', parser.line + linesBeforeFault(chunk))
    parser.push(chunk)
    if (writer.rows > 0) yield take()
  }
  parser.end()
  if (header === undefined) throw new FileFault('header_missing')
  if (writer.rows > 0) yield take()
}

function readHeader(record: CsvRecord, line: number): Header {
  const names = Array.from({ length: record.width }, (_, cell) => record.text(cell).trim().toLowerCase())
  const places = (role: ColumnRole) => names.flatMap((name, cell) => (name === role ? [cell] : []))
  // UPDATED_AT is ignored, so that it may even be there twice.
  const used = columnRoles.filter((role) => role !== 'updated_at')
  if (used.some((role) => places(role).length > 1)) throw new FileFault('column_ambiguous', line)
  if (places('id').length === 0) throw new FileFault('column_missing', line)
  return {
    width: record.width,
    cells: used.map((role) => places(role)[0]),
    hasUpdatedAt: places('updated_at').length > 0,
  }
}

function writeRow(writer: RowWriter, record: CsvRecord, header: Header): void {
  writer.begin()
  for (const cell of header.cells) {
    writer.column()
    if (cell === undefined || record.isNull(cell)) writer.null()
    else writer.text(record.bytes, record.start(cell), record.end(cell))
  }
  writer.end()
}

/** Line feeds before the line that is not UTF-8. */
function linesBeforeFault(bytes: Uint8Array): number {
  let lines = 0
  let start = 0
  for (;;) {
    const end = bytes.indexOf(0x0a, start)
    if (end === -1 || !isUtf8(bytes.subarray(start, end))) return lines
    lines++
    start = end + 1
  }
}
