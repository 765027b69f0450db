import { SluiceError } from '@sluice/core/faults'
import { FileFault, type FileFormat } from '@sluice/core/source/fileSource'
import { decompress } from './decompress.ts'
import type { Compression } from './fileName.ts'
import { readCsv } from './readCsv.ts'
import { readJsonLines } from './readJsonLines.ts'
import { withoutByteOrderMark } from './withoutByteOrderMark.ts'

/** §6. */
export const fileBytesMax = 512 * 1024 * 1024

export interface ReadRowsOptions {
  format: FileFormat
  /** See `compressionOf`. */
  compression: Compression | undefined
  /** Of the file as stored, and again of what it holds: a small file can be a large one compressed. */
  bytesMax: number
}

export interface FileRows {
  /** Whole raw rows (core rows/rawRow.ts), in the order of the file. */
  lines: Uint8Array
  rows: number
  /** An UPDATED_AT was there and ignored, in these rows or earlier in the file. */
  updatedAtIgnored: boolean
}

/**
 * The rows of one file. Nothing of the file counts until the iteration has ended without an error: a file with one bad
 * line is skipped whole.
 * @throws FileFault with the line where there is one; whatever reading `bytes` throws
 */
export async function* readRows(
  bytes: AsyncIterable<Uint8Array>,
  { format, compression, bytesMax }: ReadRowsOptions,
): AsyncGenerator<FileRows, void, undefined> {
  const stored = atMost(bytes, bytesMax)
  const content = compression === undefined ? stored : atMost(decompress(stored, compression), bytesMax)
  switch (format) {
    case 'jsonl':
      return yield* readJsonLines(withoutByteOrderMark(content))
    case 'csv':
      return yield* readCsv(withoutByteOrderMark(content))
    case 'parquet':
      throw new SluiceError(
        'config_invalid',
        'This version of Sluice reads `format: jsonl` and `csv`, not yet `parquet`.',
      )
  }
}

async function* atMost(
  chunks: AsyncIterable<Uint8Array>,
  bytesMax: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    if (bytes > bytesMax) throw new FileFault('file_too_large')
    yield chunk
  }
}
