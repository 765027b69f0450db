import type { BatchReport } from '../filter/filteredBatch.ts'
import type { SkippedFile } from '../run/runReport.ts'

/**
 * A staged object: one line of JSON (the header), then its sections one after the other, each as many bytes as the header
 * says. COPY text lines throughout.
 */
export type StagedHeader = RawHeader | ChangesHeader

export interface RawHeader {
  kind: 'raw'
  sections: { rows: number }
  order: 'timestamp' | 'file'
  timestampDigits: number
  volatileFrom?: string
  /** Files whose last row is in this batch, and files that were skipped: `apply` writes them down. */
  files?: { completed: CompletedFile[]; skipped: SkippedFile[] }
}

export interface CompletedFile {
  key: string
  etag: string
  version: string
  rows: number
}

export interface ChangesHeader {
  kind: 'changes'
  sections: { plain: number; changes: number; rejected: number }
  report: BatchReport
  files?: RawHeader['files']
}
