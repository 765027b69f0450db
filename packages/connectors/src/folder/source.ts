import { createHash } from 'node:crypto'
import { type FileHandle, open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { SyncDefinition } from '@sluice/core/config/syncDefinition'
import { reportFault, SluiceError } from '@sluice/core/faults'
import { type FileEntry, FileFault, type FileSource } from '@sluice/core/source/fileSource'
import type { CheckStep, CheckStepName } from '@sluice/core/source/warehouseSource'
import { folderFault } from './faults.ts'
import { listFiles, versionOf } from './listFiles.ts'
import type { FolderOptions } from './options.ts'

type Place = Extract<SyncDefinition['source'], { prefix: string }>

const chunkBytes = 256 * 1024
const namedMax = 5

export function openFolder({ path }: FolderOptions, place: Place | undefined): FileSource {
  return new FolderSource(path, place)
}

class FolderSource implements FileSource {
  readonly #root: string
  readonly #place: Place | undefined

  constructor(root: string, place: Place | undefined) {
    this.#root = root
    this.#place = place
  }

  async *check(signal: AbortSignal): AsyncIterable<CheckStep> {
    let step: CheckStepName = 'reach'
    try {
      await inFolder(() => stat(this.#root))
      yield { step, ok: true, sentence: `${this.#root} is there.` }
      step = 'authorise'
      await inFolder(() => readdir(this.#root))
      yield { step, ok: true, sentence: `${this.#root} can be listed.` }
      if (this.#place === undefined) return
      step = 'object'
      const files = await this.list(signal)
      for (const first of files.slice(0, 1)) for await (const _ of this.open(first, signal)) break
      yield { step, ok: true, sentence: filesSentence(this.#place, files) }
    } catch (error) {
      yield failedStep(step, error)
    }
  }

  async list(signal: AbortSignal): Promise<FileEntry[]> {
    if (this.#place === undefined) throw new Error('A source without a prefix can only be checked.')
    return listFiles(this.#root, this.#place, signal)
  }

  async etag(entry: FileEntry, signal: AbortSignal): Promise<string> {
    const hash = createHash('sha256')
    for await (const chunk of this.open(entry, signal)) hash.update(chunk)
    return hash.digest('hex')
  }

  async *open(entry: FileEntry, signal: AbortSignal): AsyncIterable<Uint8Array> {
    signal.throwIfAborted()
    const handle = await this.#openUnchanged(entry)
    try {
      for await (const chunk of handle.createReadStream({ autoClose: false, highWaterMark: chunkBytes })) {
        signal.throwIfAborted()
        yield chunk
      }
      await expectUnchanged(handle, entry)
    } catch (error) {
      throw folderFault(error)
    } finally {
      await handle.close()
    }
  }

  async close(): Promise<void> {}

  async #openUnchanged(entry: FileEntry): Promise<FileHandle> {
    const handle = await inFolder(() => open(join(this.#root, entry.key))).catch((error) => {
      throw error instanceof SluiceError && error.code === 'folder_missing' ? new FileFault('file_changed') : error
    })
    try {
      await expectUnchanged(handle, entry)
      return handle
    } catch (error) {
      await handle.close()
      throw folderFault(error)
    }
  }
}

async function expectUnchanged(handle: FileHandle, entry: FileEntry): Promise<void> {
  if (versionOf(await handle.stat({ bigint: true })) !== entry.version) throw new FileFault('file_changed')
}

async function inFolder<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw folderFault(error)
  }
}

function filesSentence({ prefix, format }: Place, files: readonly FileEntry[]): string {
  const under = prefix === '' ? '' : ` under ${JSON.stringify(prefix)}`
  if (files.length === 0) return `There is no ${format} file${under} yet.`
  const named = files.slice(0, namedMax).map((file) => file.key)
  const more = files.length > namedMax ? ` and ${files.length - namedMax} more` : ''
  return `${files.length} ${format} ${files.length === 1 ? 'file' : 'files'}${under}: ${named.join(', ')}${more}.`
}

function failedStep(step: CheckStepName, error: unknown): CheckStep {
  if (error instanceof SluiceError) return { step, ok: false, ...reportFault(error) }
  if (error instanceof FileFault) return { step, ok: false, sentence: error.message, code: error.code }
  return { step, ok: false, sentence: 'The check was cancelled.' }
}
