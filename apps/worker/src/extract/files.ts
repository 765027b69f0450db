import { compressionOf } from '@sluice/connectors/files/fileName'
import { fileBytesMax, readRows } from '@sluice/connectors/files/readRows'
import type { BatchRef } from '@sluice/core/batch/batchRef'
import type { CompletedFile } from '@sluice/core/batch/stagedObject'
import type { SyncDefinition } from '@sluice/core/config/syncDefinition'
import type { RunWarning, SkippedFile } from '@sluice/core/run/runReport'
import { type FileEntry, FileFault, type FileFormat, type FileSource } from '@sluice/core/source/fileSource'
import type { Stage } from '@sluice/stage/stage'
import type { ExtractInput, ExtractResult } from '@sluice/workflows/activities'
import type { ClaimAnswer } from '@sluice/workflows/messages'
import type { BatchSender } from './batchSender.ts'

export interface FilesExtract {
  input: ExtractInput
  definition: Pick<SyncDefinition, 'batch' | 'overwrites'>
  format: FileFormat
  source: FileSource
  claim: ClaimAnswer
  sender: BatchSender
  stage: Stage
  /** Of these keys, those that were applied before. */
  readKnownFiles: (keys: string[]) => Promise<Map<string, { etag: string; version: string }>>
  signal: AbortSignal
}

const keysPerQuery = 1000

/** Rows that are not staged yet. */
class Rows {
  pieces: Uint8Array[] = []
  rows = 0
  bytes = 0

  add(lines: Uint8Array, rows: number): void {
    this.pieces.push(lines)
    this.rows += rows
    this.bytes += lines.byteLength
  }

  addAll(other: Rows): void {
    for (const piece of other.pieces) this.pieces.push(piece)
    this.rows += other.rows
    this.bytes += other.bytes
  }
}

/**
 * One segment of the files under a prefix: it ends at a file's end, and the next goes on with the files that are not known
 * yet. §6: nothing of a file that breaks off is applied, so all of it is staged before any of it is offered.
 */
export async function extractFiles(extract: FilesExtract): Promise<ExtractResult> {
  const { input, definition, format, source, sender, stage, signal } = extract
  const warnings = new Map<string, RunWarning>()
  let rowsLeft = input.rowsMax - extract.claim.rowsOffered

  // The tail of a file and whole small files, on their way to one batch.
  let packed = new Rows()
  let files: { completed: CompletedFile[]; skipped: SkippedFile[] } = { completed: [], skipped: [] }

  for await (const { entry, etag } of unknownFiles()) {
    const read = await readFile(entry)
    if (read instanceof FileFault) {
      files.skipped.push(skippedFile(entry.key, read))
      continue
    }
    const { staged, tail } = read
    const rows = staged.reduce((sum, ref) => sum + ref.rows, 0) + tail.rows
    if (rows > rowsLeft) {
      await stage.remove(staged.map(({ uri }) => uri))
      return await finish('rows_limit')
    }
    rowsLeft -= rows
    if (staged.length > 0 || overflows(packed, tail)) if ((await flush()) === 'stop') return await finish('stopped')
    for (const ref of staged) if ((await sender.offer(ref)) === 'stop') return await finish('stopped')
    packed.addAll(tail)
    files.completed.push({ key: entry.key, etag, version: entry.version, rows })
    if (sender.batches >= input.batchesMax) return await finish('segment')
  }
  return await finish('exhausted')

  async function finish(end: ExtractResult['end']): Promise<ExtractResult> {
    if (end !== 'stopped') await flush()
    const answer = await sender.settle()
    return { end: answer === 'stop' ? 'stopped' : end, warnings: [...warnings.values()] }
  }

  async function flush(): Promise<'continue' | 'stop'> {
    if (packed.rows === 0 && files.completed.length === 0 && files.skipped.length === 0) return 'continue'
    const ref = await sender.stage(packed, files)
    packed = new Rows()
    files = { completed: [], skipped: [] }
    return sender.offer(ref)
  }

  async function* unknownFiles(): AsyncGenerator<{ entry: FileEntry; etag: string }> {
    const entries = await source.list(signal)
    for (let from = 0; from < entries.length; from += keysPerQuery) {
      const some = entries.slice(from, from + keysPerQuery)
      const knownFiles = await extract.readKnownFiles(some.map(({ key }) => key))
      for (const entry of some) {
        signal.throwIfAborted()
        const known = knownFiles.get(entry.key)
        if (known?.version === entry.version) continue
        const etag = await etagOf(entry)
        if (etag === undefined || known?.etag === etag) continue
        if (known === undefined || definition.overwrites === 'reprocess') yield { entry, etag }
        else warn(`file ${entry.key}`, { code: 'file_overwritten', sentence: overwritten(entry.key) })
      }
    }
  }

  /** Absent: the file changed meanwhile, and is skipped. */
  async function etagOf(entry: FileEntry): Promise<string | undefined> {
    try {
      return await source.etag(entry, signal)
    } catch (error) {
      if (!(error instanceof FileFault)) throw error
      files.skipped.push(skippedFile(entry.key, error))
      return undefined
    }
  }

  /** What fills whole batches is staged, the tail is kept. */
  async function readFile(entry: FileEntry): Promise<{ staged: BatchRef[]; tail: Rows } | FileFault> {
    const staged: BatchRef[] = []
    let tail = new Rows()
    try {
      if (entry.bytes > fileBytesMax) throw new FileFault('file_too_large')
      const bytes = source.open(entry, signal)
      for await (const { lines, rows, updatedAtIgnored } of readRows(bytes, {
        format,
        compression: compressionOf(entry.key),
        bytesMax: fileBytesMax,
      })) {
        if (updatedAtIgnored)
          warn('updated_at', {
            code: 'updated_at_ignored',
            sentence: 'A file has a column UPDATED_AT: it is ignored, files go by their own order.',
          })
        for (const part of parts(lines, rows)) {
          if (overflows(tail, part)) {
            staged.push(await sender.stage(tail))
            tail = new Rows()
          }
          tail.add(part.lines, part.rows)
        }
      }
      return { staged, tail }
    } catch (error) {
      if (!(error instanceof FileFault)) throw error
      await stage.remove(staged.map(({ uri }) => uri))
      return error
    }
  }

  function overflows(rows: Rows, more: { rows: number; bytes: number }): boolean {
    return (
      rows.rows > 0 &&
      (rows.rows + more.rows > definition.batch.rows || rows.bytes + more.bytes > definition.batch.bytes)
    )
  }

  /** A reader's chunk, cut where it alone holds more than a batch may. */
  function* parts(lines: Uint8Array, rows: number): Generator<{ lines: Uint8Array; rows: number; bytes: number }> {
    const { batch } = definition
    if (rows <= batch.rows / 8 && lines.byteLength <= batch.bytes / 8)
      return yield { lines, rows, bytes: lines.byteLength }
    const rowsMax = Math.ceil(batch.rows / 8)
    const bytesMax = batch.bytes / 8
    for (let start = 0; start < lines.byteLength; ) {
      let end = start
      let count = 0
      do {
        end = lines.indexOf(lineFeed, end) + 1
        count++
      } while (end < lines.byteLength && count < rowsMax && end - start < bytesMax)
      yield { lines: lines.subarray(start, end), rows: count, bytes: end - start }
      start = end
    }
  }

  function warn(key: string, warning: RunWarning): void {
    // As many as the workflow keeps.
    if (warnings.size < 100) warnings.set(key, warning)
  }
}

const lineFeed = 0x0a

function overwritten(key: string): string {
  return `${key} came again with another content and was not read: give new files new names, or say \`overwrites: reprocess\`.`
}

function skippedFile(key: string, { line, code, message }: FileFault): SkippedFile {
  return { key, ...(line !== undefined && { line }), code, sentence: message }
}
