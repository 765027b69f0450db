import { isUtf8 } from 'node:buffer'
import type { JsonKind } from '@sluice/core/payload/jsonScanner'
import { scanObject } from '@sluice/core/payload/scanObject'
import { FileFault } from '@sluice/core/source/fileSource'
import { type ColumnRole, columnRoles } from '../columnRoles.ts'
import type { FileRows } from './readRows.ts'
import { RowWriter } from './rowWriter.ts'

/** A member of 1 MiB that is escaped throughout (`\u0041`) is six times as long; past this nothing sensible is left. */
const lineBytesMax = 16 * 1024 * 1024
const lineFeed = 0x0a

interface Member {
  kind: JsonKind
  start: number
  end: number
}

/**
 * §6. Each line is one JSON object, or white space, which is passed over. Members are known in any case; of one that comes
 * twice the last counts; unknown ones are ignored.
 * @throws FileFault `invalid_json`, `invalid_encoding` with the line
 */
export async function* readJsonLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<FileRows, void, undefined> {
  const writer = new RowWriter()
  let members: Partial<Record<ColumnRole, Member>> = {}
  let updatedAtIgnored = false
  let lineNumber = 0
  const onMember = (key: string, kind: JsonKind, start: number, end: number) => {
    const role = roleOf(key)
    if (role !== undefined) members[role] = { kind, start, end }
  }

  function onLine(bytes: Uint8Array, start: number, end: number): void {
    lineNumber++
    if (end - start > lineBytesMax) throw new FileFault('invalid_json', lineNumber)
    members = {}
    if (!scanObject(bytes, start, end, onMember)) {
      if (isBlank(bytes, start, end)) return
      throw new FileFault(isUtf8(bytes.subarray(start, end)) ? 'invalid_json' : 'invalid_encoding', lineNumber)
    }
    updatedAtIgnored ||= members.updated_at !== undefined
    writeRow(writer, bytes, members)
  }

  // Pieces of a line whose end has not come yet.
  let pieces: Uint8Array[] = []
  let pieceBytes = 0
  for await (const chunk of chunks) {
    let start = 0
    for (;;) {
      const end = chunk.indexOf(lineFeed, start)
      if (end === -1) break
      if (pieces.length === 0) onLine(chunk, start, end)
      else {
        const line = Buffer.concat([...pieces, chunk.subarray(start, end)])
        pieces = []
        pieceBytes = 0
        onLine(line, 0, line.length)
      }
      start = end + 1
    }
    if (start < chunk.length) {
      pieces.push(chunk.subarray(start))
      pieceBytes += chunk.length - start
      if (pieceBytes > lineBytesMax) throw new FileFault('invalid_json', lineNumber + 1)
    }
    if (writer.rows > 0) yield { ...writer.take(), updatedAtIgnored }
  }
  if (pieces.length > 0) {
    const line = Buffer.concat(pieces)
    onLine(line, 0, line.length)
    if (writer.rows > 0) yield { ...writer.take(), updatedAtIgnored }
  }
}

function roleOf(key: string): ColumnRole | undefined {
  if (key.length > 'updated_at'.length) return undefined
  const lower = key.toLowerCase()
  return columnRoles.find((role) => role === lower)
}

function writeRow(writer: RowWriter, bytes: Uint8Array, members: Partial<Record<ColumnRole, Member>>): void {
  const { id, name, payload, deleted } = members
  writer.begin()

  writer.column()
  if (id?.kind === 'string') writer.jsonString(bytes, id.start, id.end, 'null')
  else if (id?.kind === 'number') writer.text(bytes, id.start, id.end)
  else writer.null()

  writer.column()
  if (name?.kind === 'string') writer.jsonString(bytes, name.start, name.end, 'null')
  else writer.null()

  writer.column()
  if (payload === undefined || payload.kind === 'null') writer.null()
  else if (payload.kind === 'string') writer.jsonString(bytes, payload.start, payload.end, 'keep')
  else writer.text(bytes, payload.start, payload.end)

  writer.column()
  if (deleted === undefined || deleted.kind === 'null') writer.null()
  else if (deleted.kind === 'string') writer.jsonString(bytes, deleted.start, deleted.end, 'replace')
  else if (deleted.kind === 'true' || deleted.kind === 'false') writer.letter(bytes[deleted.start]!)
  else writer.text(bytes, deleted.start, deleted.end)

  writer.end()
}

function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false
  }
  return true
}
