import type { StagedHeader } from '@sluice/core/batch/stagedObject'
import type { StagedObject } from './stage.ts'

/** The bytes of a staged object: one line of JSON, then the pieces. */
export function encodeStaged(header: StagedHeader, pieces: readonly Uint8Array[]): Uint8Array[] {
  const expected = sectionLengths(header).reduce((sum, length) => sum + length, 0)
  const actual = pieces.reduce((sum, piece) => sum + piece.byteLength, 0)
  if (expected !== actual) throw new Error(`The header speaks of ${expected} bytes, but there are ${actual}.`)
  return [Buffer.from(`${JSON.stringify(header)}\n`), ...pieces]
}

/** Undefined where the bytes are not those of a staged object. */
export function decodeStaged(bytes: Buffer): StagedObject | undefined {
  const headerEnd = bytes.indexOf(10)
  if (headerEnd < 0) return undefined
  let header: StagedHeader
  try {
    header = JSON.parse(bytes.toString('utf8', 0, headerEnd))
  } catch {
    return undefined
  }
  const sections: Uint8Array[] = []
  let at = headerEnd + 1
  for (const length of sectionLengths(header)) {
    sections.push(bytes.subarray(at, at + length))
    at += length
  }
  return at === bytes.length ? { header, sections } : undefined
}

function sectionLengths(header: StagedHeader): number[] {
  return Object.values(header.sections)
}
