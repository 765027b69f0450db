import type { CheckStep } from './warehouseSource.ts'

/** The seam between Sluice and a place that holds files: a folder, a bucket. */
export interface FileSource {
  check(signal: AbortSignal): AsyncIterable<CheckStep>
  /**
   * All files under the prefix, ordered by last-modified, then key. An existing place without files is an empty list.
   * @throws SluiceError `folder_missing`, `permission_denied` … (a person must act)
   */
  list(signal: AbortSignal): Promise<FileEntry[]>
  /** What names the content: the ETag of an object, the hex SHA-256 of a local file (which reads it). */
  etag(entry: FileEntry, signal: AbortSignal): Promise<string>
  /**
   * The bytes as stored (not decompressed). Back-pressure reaches the source.
   * @throws FileFault `file_changed` if the file changed since `list`
   */
  open(entry: FileEntry, signal: AbortSignal): AsyncIterable<Uint8Array>
  /** Idempotent. */
  close(): Promise<void>
}

export interface FileEntry {
  /** Relative to the place, with `/`. */
  key: string
  /** Cheap to know and other whenever the content is: an ETag, or size, mtime and inode of a local file. */
  version: string
  bytes: number
  /** Nanoseconds since 1970, as decimal digits. */
  lastModifiedNs: string
}

export type FileFormat = 'jsonl' | 'csv' | 'parquet'

/** §6. The file is skipped whole; the report names it. `line` is 1-based. */
export class FileFault extends Error {
  override readonly name = 'FileFault'
  readonly code: FileFaultCode
  readonly line: number | undefined
  constructor(code: FileFaultCode, line?: number) {
    super(fileFaults[code])
    this.code = code
    this.line = line
  }
}

const fileFaults = {
  invalid_json: 'The line is not a JSON object.',
  invalid_csv: 'The line has a broken quote.',
  wrong_width: 'The line does not have as many columns as the header.',
  header_missing: 'The file has no header line.',
  column_missing: 'The header has no ID column.',
  column_ambiguous: 'The header names a column twice.',
  invalid_encoding: 'The line is not valid UTF-8.',
  invalid_compression: 'The file cannot be decompressed.',
  invalid_parquet: 'The file is not valid Parquet.',
  file_too_large: 'The file is larger than 512 MiB.',
  file_changed: 'The file changed while it was read.',
} as const

export type FileFaultCode = keyof typeof fileFaults
