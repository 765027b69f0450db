import { createHash, hash, randomUUID } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, statfs } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { StagedHeader } from '@sluice/core/batch/stagedObject'
import { type FaultCode, SluiceError } from '@sluice/core/faults'
import type { Stage, StagedRef } from './stage.ts'
import { decodeStaged, encodeStaged } from './stagedBytes.ts'

// Rows of customers lie here: nobody but the worker's own user may read them.
const folderMode = 0o700
const fileMode = 0o600

/** A folder on this machine, or on a disk that all workers share. */
export function openFolderStage(url: URL): Stage {
  const root = join(fileURLToPath(url), '.')

  return { write, read, remove, removeRun, removeOtherRuns, check }

  async function write(key: string, header: StagedHeader, pieces: readonly Uint8Array[]): Promise<StagedRef> {
    const path = within(root, join(root, key))
    const parts = encodeStaged(header, pieces)
    const digest = createHash('sha256')
    let bytes = 0
    for (const part of parts) {
      digest.update(part)
      bytes += part.byteLength
    }
    // A reader sees the whole object or none; two writers of one key do not meet.
    const unfinished = `${path}.${randomUUID()}`
    try {
      await mkdir(dirname(path), { recursive: true, mode: folderMode })
      await writeWhole(unfinished, parts)
      await rename(unfinished, path)
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => {})
      throw stageFault(error)
    }
    return { uri: pathToFileURL(path).href, bytes, sha256: digest.digest('hex') }
  }

  async function read(ref: StagedRef) {
    let bytes: Buffer
    try {
      bytes = await readFile(pathOf(ref.uri))
    } catch (error) {
      if (codeOf(error) === 'ENOENT') throw new SluiceError('stage_corrupt', 'It is gone.')
      throw stageFault(error)
    }
    if (bytes.length !== ref.bytes)
      throw new SluiceError('stage_corrupt', `It has ${bytes.length} bytes instead of ${ref.bytes}.`)
    if (hash('sha256', bytes, 'hex') !== ref.sha256) throw new SluiceError('stage_corrupt', 'Its SHA-256 is another.')
    const staged = decodeStaged(bytes)
    if (staged === undefined) throw new SluiceError('stage_corrupt', 'It is not a staged batch.')
    return staged
  }

  async function remove(uris: readonly string[]): Promise<void> {
    await removing(uris.map((uri) => rm(pathOf(uri), { force: true })))
  }

  async function removeRun(sync: string, runId: string): Promise<void> {
    await removing([rm(within(root, join(root, sync, runId)), { recursive: true, force: true })])
  }

  async function removeOtherRuns(sync: string, runId: string): Promise<void> {
    let runs: string[]
    try {
      runs = await readdir(within(root, join(root, sync)))
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return
      throw stageFault(error)
    }
    await Promise.all(runs.filter((run) => run !== runId).map((run) => removeRun(sync, run)))
  }

  async function check(): Promise<{ bytesFree: number }> {
    const header: StagedHeader = { kind: 'raw', sections: { rows: 2 }, order: 'file', timestampDigits: 0 }
    const ref = await write(`.check/${randomUUID()}`, header, [Buffer.from('x\n')])
    await read(ref)
    await remove([ref.uri])
    const { bavail, bsize } = await statfs(root)
    return { bytesFree: bavail * bsize }
  }

  function pathOf(uri: string): string {
    let path: string
    try {
      path = fileURLToPath(uri)
    } catch {
      throw outside(uri)
    }
    return within(root, path)
  }
}

async function writeWhole(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, 'wx', fileMode)
  try {
    // writev takes at most 1,024 parts (IOV_MAX) and may write less than it was given.
    for (const part of inLargeParts(parts)) await file.writeFile(part)
  } finally {
    await file.close()
  }
}

/** Small parts joined, so that a batch of many small pieces is not written row by row. */
function* inLargeParts(parts: readonly Uint8Array[]): Generator<Uint8Array> {
  let small: Uint8Array[] = []
  let bytes = 0
  for (const part of parts) {
    if (part.byteLength >= largePartBytes) {
      if (bytes > 0) yield Buffer.concat(small, bytes)
      small = []
      bytes = 0
      yield part
      continue
    }
    small.push(part)
    bytes += part.byteLength
    if (bytes < largePartBytes) continue
    yield Buffer.concat(small, bytes)
    small = []
    bytes = 0
  }
  if (bytes > 0) yield Buffer.concat(small, bytes)
}

const largePartBytes = 1 << 18

/** Refuses what lies outside the stage, whoever asks for it. */
function within(root: string, path: string): string {
  const prefix = root.endsWith(sep) ? root : root + sep
  if (!join(path, '.').startsWith(prefix)) throw outside(pathToFileURL(path).href)
  return path
}

function outside(uri: string): SluiceError {
  return new SluiceError(
    'stage_forbidden',
    `${uri} does not lie in this worker's stage: all workers need the same SLUICE_STAGE.`,
  )
}

async function removing(removals: Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(removals)).find((result) => result.status === 'rejected')
  if (failed) throw stageFault(failed.reason)
}

const faultByCode: Record<string, FaultCode> = {
  ENOSPC: 'stage_full',
  EDQUOT: 'stage_full',
  EFBIG: 'stage_full',
  EACCES: 'stage_forbidden',
  EPERM: 'stage_forbidden',
  EROFS: 'stage_forbidden',
}

export function stageFault(error: unknown): SluiceError {
  if (error instanceof SluiceError) return error
  const code = codeOf(error)
  return new SluiceError(faultByCode[code ?? ''] ?? 'stage_unavailable', code && `(${code})`, { cause: error })
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : undefined
}
