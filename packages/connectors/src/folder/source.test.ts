import { createHash } from 'node:crypto'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { FileFormat, FileSource } from '@sluice/core/source/fileSource'
import type { CheckStep } from '@sluice/core/source/warehouseSource'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { folderFault } from './faults.ts'
import { openFolder } from './source.ts'

const signal = new AbortController().signal
let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-folder-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
})

/** `age`: seconds before a fixed time. */
function file(key: string, content: string | Uint8Array = '', age = 0): void {
  const path = join(root, key)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  utimesSync(path, 1_700_000_000 - age, 1_700_000_000 - age)
}

function source(prefix = '', format: FileFormat = 'jsonl', path = root): FileSource {
  return openFolder({ type: 'folder', path }, { prefix, format })
}

async function keys(from: FileSource): Promise<string[]> {
  return (await from.list(signal)).map((entry) => entry.key)
}

async function content(from: FileSource, key: string): Promise<string> {
  const entry = (await from.list(signal)).find((found) => found.key === key)!
  const chunks: Uint8Array[] = []
  for await (const chunk of from.open(entry, signal)) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

async function steps(from: FileSource): Promise<CheckStep[]> {
  const found: CheckStep[] = []
  for await (const step of from.check(signal)) found.push(step)
  return found
}

test('§6 files come in order of last-modified, then key, from all folders below', async () => {
  file('b.jsonl', '', 5)
  file('a.jsonl', '', 5)
  file('deep/er/c.ndjson.gz', '', 9)
  file('deep/d.json', '', 1)
  expect(await keys(source())).toEqual(['deep/er/c.ndjson.gz', 'a.jsonl', 'b.jsonl', 'deep/d.json'])
})

test('§6 order is exact below a millisecond', async () => {
  file('1.jsonl')
  file('0.jsonl')
  utimesSync(join(root, '1.jsonl'), 1_700_000_000.000001, 1_700_000_000.000001)
  utimesSync(join(root, '0.jsonl'), 1_700_000_000.000002, 1_700_000_000.000002)
  expect(await keys(source())).toEqual(['1.jsonl', '0.jsonl'])
})

test('§6 only files of the format count, under the prefix, and none that begins with a dot', async () => {
  for (const key of [
    'a/x-1.csv',
    'a/x-2.csv.zst',
    'a/y.csv',
    'a/x/z.csv',
    'b/x-3.csv',
    'a/x-4.jsonl',
    'a/.x.csv',
    '.h/x.csv',
    '.h/i/.j/k.csv',
  ]) {
    file(key)
  }
  expect((await keys(source('', 'csv'))).sort()).toEqual([
    'a/x-1.csv',
    'a/x-2.csv.zst',
    'a/x/z.csv',
    'a/y.csv',
    'b/x-3.csv',
  ])
  expect((await keys(source('a/x', 'csv'))).sort()).toEqual(['a/x-1.csv', 'a/x-2.csv.zst', 'a/x/z.csv'])
  expect(await keys(source('a/x/', 'csv'))).toEqual(['a/x/z.csv'])
  expect(await keys(source('.h/', 'csv'))).toEqual(['.h/x.csv'])
  expect(await keys(source('a/nothing', 'csv'))).toEqual([])
})

test('odd names are kept as they are', async () => {
  const odd = ['a b.jsonl', 'a\nb.jsonl', "'; DROP.jsonl", 'é账😀.jsonl', '%2e.jsonl', 'back\\slash.jsonl', '*.jsonl']
  for (const key of odd) file(key, `{"id":"${odd.indexOf(key)}"}`)
  expect((await keys(source())).sort()).toEqual([...odd].sort())
  for (const key of odd) expect(await content(source(), key)).toBe(`{"id":"${odd.indexOf(key)}"}`)
})

test('a name that is not UTF-8 is told, not passed over', async () => {
  writeFileSync(Buffer.concat([Buffer.from(join(root, 'a')), Buffer.from([0xe9]), Buffer.from('.jsonl')]), '')
  await expect(source().list(signal)).rejects.toMatchObject({
    code: 'config_invalid',
    message: expect.stringContaining('aé.jsonl'),
  })
})

test('symbolic links do not lead out of the folder, and no file comes twice by a linked folder', async () => {
  const outside = mkdtempSync(join(tmpdir(), 'sluice-outside-'))
  onTestFinished(() => rmSync(outside, { recursive: true }))
  writeFileSync(join(outside, 'secret.jsonl'), '{}')
  file('real/a.jsonl', 'A')
  symlinkSync('real/a.jsonl', join(root, 'inside.jsonl'))
  symlinkSync(join(outside, 'secret.jsonl'), join(root, 'out.jsonl'))
  symlinkSync(outside, join(root, 'out'))
  symlinkSync('.', join(root, 'loop'))
  symlinkSync('nowhere', join(root, 'broken.jsonl'))
  expect((await keys(source())).sort()).toEqual(['inside.jsonl', 'real/a.jsonl'])
  await expect(source('out/').list(signal)).rejects.toMatchObject({ code: 'config_invalid' })
  const linked = join(outside, 'root')
  symlinkSync(root, linked)
  expect(await content(source('', 'jsonl', linked), 'real/a.jsonl')).toBe('A')
})

test.each(['../', '/etc/', 'a/../../', './', 'a//'])('a prefix that is none is refused: %s', async (prefix) => {
  await expect(source(prefix).list(signal)).rejects.toMatchObject({ code: 'config_invalid' })
})

test('§6 a missing folder is a fault, an empty one an empty list', async () => {
  await expect(source('', 'jsonl', join(root, 'no')).list(signal)).rejects.toMatchObject({ code: 'folder_missing' })
  await expect(source('no/').list(signal)).rejects.toMatchObject({ code: 'folder_missing' })
  file('plain.jsonl')
  await expect(source('', 'jsonl', join(root, 'plain.jsonl')).list(signal)).rejects.toMatchObject({
    code: 'folder_missing',
  })
  expect(await keys(source('', 'csv'))).toEqual([])
})

test('the ETag is the SHA-256 of the content', async () => {
  file('a.jsonl', 'hello')
  const [entry] = await source().list(signal)
  expect(await source().etag(entry!, signal)).toBe(createHash('sha256').update('hello').digest('hex'))
})

test.each<[string, (path: string) => void]>([
  ['written to', (path) => appendFileSync(path, 'more')],
  [
    'rewritten with the same size and its time put back',
    (path) => {
      writeFileSync(path, 'y'.repeat(700_000))
      utimesSync(path, 1_700_000_000, 1_700_000_000)
    },
  ],
  [
    'replaced',
    (path) => {
      writeFileSync(`${path}.new`, 'x'.repeat(700_000))
      renameSync(`${path}.new`, path)
    },
  ],
  ['removed', (path) => rmSync(path)],
])('a file that is %s since it was listed is file_changed', async (how, change) => {
  file('a.jsonl', 'x'.repeat(700_000))
  const from = source()
  const [entry] = await from.list(signal)
  // While it is read. A file that is replaced or removed then is still the one that was listed.
  const reading = (async () => {
    let first = true
    for await (const _ of from.open(entry!, signal)) {
      if (first && how !== 'replaced' && how !== 'removed') change(join(root, 'a.jsonl'))
      first = false
    }
  })()
  if (how === 'replaced' || how === 'removed') {
    await reading
    change(join(root, 'a.jsonl'))
  } else await expect(reading).rejects.toMatchObject({ code: 'file_changed' })
  // Before it is read.
  await expect(from.etag(entry!, signal)).rejects.toMatchObject({ code: 'file_changed' })
})

test('an abort ends the reading', async () => {
  file('a.jsonl', 'x'.repeat(700_000))
  const controller = new AbortController()
  const [entry] = await source().list(signal)
  const reading = (async () => {
    for await (const _ of source().open(entry!, controller.signal)) controller.abort(new Error('stop'))
  })()
  await expect(reading).rejects.toThrow('stop')
})

test('§11 the test of a connection tells each step, and stops at the first that fails', async () => {
  for (let n = 1; n <= 7; n++) file(`${n}.jsonl`)
  expect(await steps(source())).toEqual([
    { step: 'reach', ok: true, sentence: `${root} is there.` },
    { step: 'authorise', ok: true, sentence: `${root} can be listed.` },
    { step: 'object', ok: true, sentence: '7 jsonl files: 1.jsonl, 2.jsonl, 3.jsonl, 4.jsonl, 5.jsonl and 2 more.' },
  ])
  expect((await steps(source('x/'))).at(-1)).toMatchObject({ step: 'object', ok: false, code: 'folder_missing' })
  expect(await steps(source('', 'csv', join(root, 'no')))).toMatchObject([
    { step: 'reach', ok: false, code: 'folder_missing' },
  ])
  expect((await steps(openFolder({ type: 'folder', path: root }, undefined))).map((step) => step.step)).toEqual([
    'reach',
    'authorise',
  ])
})

test.each([
  ['ENOENT', 'folder_missing'],
  ['EACCES', 'permission_denied'],
  ['EMFILE', 'source_throttled'],
  ['EIO', 'source_unavailable'],
  ['EWHATEVER', 'internal'],
])('an error of the file system is told by its code: %s', (code, fault) => {
  const error = Object.assign(new Error(`${code}: words, open '/x'`), { code })
  expect(folderFault(error)).toMatchObject({ code: fault, message: expect.stringContaining("open '/x'") })
})
