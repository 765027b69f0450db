import type { DeployedSync } from '@sluice/account-store/deployment'
import { readKnownFiles } from '@sluice/account-store/files'
import { readWatermark } from '@sluice/account-store/watermarks'
import { compressionOf } from '@sluice/connectors/files/fileName'
import { fileBytesMax, readRows } from '@sluice/connectors/files/readRows'
import { type OpenedSource, openSource } from '@sluice/connectors/openSource'
import type { Environment } from '@sluice/connectors/secrets'
import type { SkippedFile } from '@sluice/core/run/runReport'
import { FileFault, type FileSource } from '@sluice/core/source/fileSource'
import type { WarehouseSource } from '@sluice/core/source/warehouseSource'
import { subtractMs } from '@sluice/core/watermark/sourceTimestamp'
import type { Store } from '../services.ts'

/** The first raw rows (core rows/rawRow.ts) that the next run would read. */
export interface Sample {
  /** One line each, with its line feed. */
  lines: Uint8Array[]
  order: 'timestamp' | 'file'
  timestampDigits: number
  /** Human words: `table public.accounts_sync`. */
  object: string
  /** Where the next run begins; absent: at the beginning. */
  after?: string
  /** Of files: those before or among the sample that a run would skip whole. */
  skipped?: SkippedFile[]
}

export async function readSample(
  store: Store,
  { sync, deployed, rowsMax, env }: { sync: string; deployed: DeployedSync; rowsMax: number; env: Environment },
  signal: AbortSignal,
): Promise<Sample> {
  const { definition, connection } = deployed
  const opened: OpenedSource = await openSource({
    connection: connection.definition,
    source: definition.source,
    env,
    label: `${sync} (preview)`,
  })
  try {
    return opened.kind === 'warehouse'
      ? await sampleOfWarehouse(store, opened.source, { sync, deployed, rowsMax }, signal)
      : await sampleOfFiles(store, opened.source, { sync, deployed, rowsMax }, signal)
  } finally {
    await opened.source.close()
  }
}

interface SampleRequest {
  sync: string
  deployed: DeployedSync
  rowsMax: number
}

async function sampleOfWarehouse(
  store: Store,
  source: WarehouseSource,
  request: SampleRequest,
  signal: AbortSignal,
): Promise<Sample> {
  const { lookbackMs, limits } = request.deployed.definition
  const facts = await source.describe(signal)
  const watermark = await readWatermark(store, request.sync)
  // As a run does (§5): the tie at the watermark is read again if the source now holds another number of rows there.
  const inclusive =
    watermark !== undefined &&
    (lookbackMs > 0 || (await source.countAt(watermark.updated_at, signal)) !== watermark.rows_at_updated_at)
  const from = watermark && { updatedAt: subtractMs(watermark.updated_at, lookbackMs), inclusive }
  const rows = source.read(
    { withoutTimestamp: true, queryTimeoutMs: limits.queryTimeoutMs, rowsMax: request.rowsMax, ...(from && { from }) },
    signal,
  )
  return {
    lines: await firstLines(rows, request.rowsMax),
    order: 'timestamp',
    timestampDigits: facts.timestampDigits,
    object: facts.object,
    ...(from && { after: from.updatedAt }),
  }
}

async function sampleOfFiles(
  store: Store,
  source: FileSource,
  request: SampleRequest,
  signal: AbortSignal,
): Promise<Sample> {
  const place = request.deployed.definition.source
  if (!('prefix' in place)) throw new Error('A file source has a prefix.')
  const entries = await source.list(signal)
  const known = await readKnownFiles(
    store,
    request.sync,
    entries.map(({ key }) => key),
  )
  const lines: Uint8Array[] = []
  const read: string[] = []
  const skipped: SkippedFile[] = []
  for (const entry of entries) {
    if (lines.length >= request.rowsMax) break
    if (known.has(entry.key)) continue
    try {
      const rows = readRows(source.open(entry, signal), {
        format: place.format,
        compression: compressionOf(entry.key),
        bytesMax: fileBytesMax,
      })
      lines.push(...(await firstLines(chunksOf(rows), request.rowsMax - lines.length)))
      read.push(entry.key)
    } catch (error) {
      // A run skips such a file whole and goes on to the next.
      if (!(error instanceof FileFault)) throw error
      const { code, line, message: sentence } = error
      skipped.push({ key: entry.key, ...(line !== undefined && { line }), code, sentence })
    }
  }
  const more = read.length > 3 ? ` and ${read.length - 3} more` : ''
  return {
    lines,
    order: 'file',
    timestampDigits: 0,
    object: read.length === 0 ? 'no new file' : `${read.slice(0, 3).join(', ')}${more}`,
    skipped,
  }
}

async function* chunksOf(rows: AsyncIterable<{ lines: Uint8Array }>): AsyncIterable<Uint8Array> {
  for await (const { lines } of rows) yield lines
}

async function firstLines(chunks: AsyncIterable<Uint8Array>, rowsMax: number): Promise<Uint8Array[]> {
  const lines: Uint8Array[] = []
  for await (const chunk of chunks) {
    for (let start = 0; start < chunk.length; ) {
      const end = chunk.indexOf(0x0a, start) + 1
      // The source may reuse the chunk's memory.
      lines.push(chunk.slice(start, end))
      if (lines.length === rowsMax) return lines
      start = end
    }
  }
  return lines
}
