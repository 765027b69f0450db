import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { ChangesHeader, RawHeader } from '@sluice/core/batch/stagedObject'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { stageFault } from './folderStage.ts'
import { openStage } from './openStage.ts'
import type { Stage } from './stage.ts'

let folder: string
let stage: Stage
const rows = Buffer.from('2026-01-01 00:00:00\ta\tA\t{}\tf\n')
const raw = (bytes: number): RawHeader => ({
  kind: 'raw',
  sections: { rows: bytes },
  order: 'timestamp',
  timestampDigits: 6,
})

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-stage-'))
  stage = openStage(pathToFileURL(join(folder, 'stage')).href)
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('what was written is read back', () => {
  test('one section, in pieces of any size', async () => {
    const pieces = [Buffer.alloc(0), rows, Buffer.alloc(300_000, 'x'), rows]
    const all = Buffer.concat(pieces)
    const ref = await stage.write('crm/run/s0-a1-0.raw', raw(all.length), pieces)
    const { header, sections } = await stage.read(ref)
    expect(header).toEqual(raw(all.length))
    expect(Buffer.concat(sections)).toEqual(all)
    expect(ref.bytes).toBe((await stat(fileURLToPath(ref.uri))).size)
  })

  test('two sections, one of them empty', async () => {
    const header: ChangesHeader = {
      kind: 'changes',
      sections: { plain: rows.length, changes: 0, rejected: 0 },
      report: {
        rowsRead: 1,
        rowsChanges: 1,
        rowsRejected: 0,
        stepsMax: 1,
        rejected: {},
        droppedFields: {},
        typeMismatches: {},
        unstorableValues: {},
      },
    }
    const { sections } = await stage.read(await stage.write('crm/run/b.changes', header, [rows]))
    expect(sections.map((section) => Buffer.from(section).toString())).toEqual([rows.toString(), '', ''])
  })

  test('pieces that the header does not speak of are a bug', async () => {
    await expect(stage.write('crm/run/b.raw', raw(1), [rows])).rejects.toThrow('speaks of 1 bytes')
  })

  test('nobody else may read it', async () => {
    const { uri } = await stage.write('crm/run/b.raw', raw(rows.length), [rows])
    expect((await stat(fileURLToPath(uri))).mode & 0o777).toBe(0o600)
    expect((await stat(join(folder, 'stage/crm/run'))).mode & 0o777).toBe(0o700)
    expect(await readdir(join(folder, 'stage/crm/run'))).toEqual(['b.raw'])
  })
})

describe('what is not what was written is stage_corrupt', () => {
  const damages: Record<string, (path: string) => Promise<void>> = {
    'a truncated object': (path) => truncate(path, 20),
    'one flipped byte': async (path) => {
      const bytes = await readFile(path)
      bytes[bytes.length - 3]! ^= 1
      await writeFile(path, bytes)
    },
    'an object that is gone': (path) => rm(path),
  }
  for (const [name, damage] of Object.entries(damages)) {
    test(name, async () => {
      const ref = await stage.write('crm/run/b.raw', raw(rows.length), [rows])
      await damage(fileURLToPath(ref.uri))
      await expect(stage.read(ref)).rejects.toMatchObject({ code: 'stage_corrupt' })
    })
  }
})

describe('what lies outside the stage is refused', () => {
  test.each(['file:///etc/passwd', 'file:///', 'https://host/b.raw', 'nonsense'])('%s', async (uri) => {
    await expect(stage.read({ uri, bytes: 1, sha256: '' })).rejects.toMatchObject({ code: 'stage_forbidden' })
    await expect(stage.remove([uri])).rejects.toMatchObject({ code: 'stage_forbidden' })
  })

  test('a way out by dots, the stage itself, and a folder beside it of a longer name', async () => {
    for (const path of ['stage/../other/b.raw', 'stage', 'stage-2/b.raw', 'stage/%2e%2e/other']) {
      const uri = `${pathToFileURL(folder).href}/${path}`
      await expect(stage.read({ uri, bytes: 1, sha256: '' })).rejects.toMatchObject({ code: 'stage_forbidden' })
    }
    await expect(stage.write('../b.raw', raw(rows.length), [rows])).rejects.toMatchObject({ code: 'stage_forbidden' })
    await expect(stage.removeRun('..', 'other')).rejects.toMatchObject({ code: 'stage_forbidden' })
  })
})

describe('removing', () => {
  test('is idempotent, and ends with nothing left of the run', async () => {
    const ref = await stage.write('crm/run/b.raw', raw(rows.length), [rows])
    await stage.write('crm/run/c.raw', raw(rows.length), [rows])
    await stage.remove([ref.uri])
    await stage.remove([ref.uri])
    expect(await readdir(join(folder, 'stage/crm/run'))).toEqual(['c.raw'])
    await stage.removeRun('crm', 'run')
    await stage.removeRun('crm', 'run')
    expect(await readdir(join(folder, 'stage/crm'))).toEqual([])
  })

  test('takes what other runs of the sync left, and nothing else', async () => {
    await stage.removeOtherRuns('crm', 'run')
    for (const key of ['crm/lost/b.raw', 'crm/run/b.raw', 'erp/run/b.raw'])
      await stage.write(key, raw(rows.length), [rows])
    await stage.removeOtherRuns('crm', 'run')
    expect(await readdir(join(folder, 'stage/crm'))).toEqual(['run'])
    expect(await readdir(join(folder, 'stage/erp'))).toEqual(['run'])
  })
})

describe('faults have a remedy', () => {
  test('a healthy stage tells its free room and keeps nothing of the check', async () => {
    expect((await stage.check()).bytesFree).toBeGreaterThan(0)
    expect(await readdir(join(folder, 'stage/.check'))).toEqual([])
  })

  test('a file where the folder should be', async () => {
    await writeFile(join(folder, 'file'), '')
    await expect(openStage(pathToFileURL(join(folder, 'file')).href).check()).rejects.toMatchObject({
      code: 'stage_unavailable',
    })
  })

  // root may write everywhere.
  test.skipIf(process.getuid?.() === 0)('a folder that may not be written (not as root)', async () => {
    await mkdir(join(folder, 'stage'))
    await chmod(join(folder, 'stage'), 0o500)
    await expect(stage.check()).rejects.toMatchObject({ code: 'stage_forbidden' })
  })

  test.each([
    ['ENOSPC', 'stage_full'],
    ['EDQUOT', 'stage_full'],
    ['EACCES', 'stage_forbidden'],
    ['EROFS', 'stage_forbidden'],
    ['EIO', 'stage_unavailable'],
    ['EMFILE', 'stage_unavailable'],
  ])('%s is %s', (code, fault) => {
    expect(stageFault(Object.assign(new Error('…'), { code }))).toMatchObject({ code: fault })
  })

  test.each(['', 'relative/folder', 's3://bucket/prefix', 'file://host/folder'])('%j is not a stage', (uri) => {
    expect(() => openStage(uri)).toThrow('SLUICE_STAGE must be')
  })
})
