import type { FileFormat } from '@sluice/core/source/fileSource'

export type Compression = 'gzip' | 'zstd'

const suffixes: Record<FileFormat, readonly string[]> = {
  jsonl: ['.jsonl', '.ndjson', '.json'],
  csv: ['.csv'],
  parquet: ['.parquet'],
}

/** By the key's last suffix: `.gz`, `.zst`. */
export function compressionOf(key: string): Compression | undefined {
  if (/\.gz$/i.test(key)) return 'gzip'
  return /\.zst$/i.test(key) ? 'zstd' : undefined
}

/**
 * Whether a key names a file of the format: by its suffix, in any case, before that of the compression. Names that begin
 * with a dot, or lie under one that does, are other programs' notes and half-written files.
 */
export function isOfFormat(key: string, format: FileFormat): boolean {
  if (/(^|\/)\./.test(key)) return false
  const name = key.toLowerCase().replace(/\.(gz|zst)$/, '')
  return suffixes[format].some((suffix) => name.endsWith(suffix))
}
