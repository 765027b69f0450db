import type { FileEntry, FileSource } from '@sluice/core/source/fileSource'
import { describe, expect, test } from 'vitest'
import { extractUnderTest } from './extractUnderTest.ts'
import { extractFiles, type FilesExtract } from './files.ts'

interface FakeFile {
  key: string
  /** Ids of its rows; one without a letter breaks the file. */
  rows: string
  etag?: string
  version?: string
}

function fakeSource(files: FakeFile[]): FileSource & { opened: string[] } {
  const opened: string[] = []
  const file = ({ key }: FileEntry) => files.find((some) => some.key === key)!
  return {
    opened,
    async *check() {},
    list: async () => files.map(({ key, version = 'v1' }) => ({ key, version, bytes: 1, lastModifiedNs: '1' })),
    etag: async (entry) => file(entry).etag ?? 'e1',
    async *open(entry) {
      opened.push(entry.key)
      const text = [...file(entry).rows].map((id) => (id === '!' ? 'broken\n' : `{"id":"${id}","name":"N"}\n`)).join('')
      yield Buffer.from(text)
    },
    close: async () => {},
  }
}

async function extract(
  files: FakeFile[],
  options: Parameters<typeof extractUnderTest>[0] & {
    known?: Record<string, { etag: string; version: string }>
    overwrites?: 'report' | 'reprocess'
    rows?: number
  } = {},
) {
  const under = extractUnderTest(options)
  const source = fakeSource(files)
  const request: FilesExtract = {
    input: under.input,
    definition: { batch: { rows: options.rows ?? 3, bytes: 1 << 20 }, overwrites: options.overwrites ?? 'report' },
    format: 'jsonl',
    source,
    claim: under.claim,
    sender: under.sender,
    stage: under.stage,
    readKnownFiles: async (keys) =>
      new Map(keys.flatMap((key) => (options.known?.[key] ? [[key, options.known[key]]] : []))),
    signal: new AbortController().signal,
  }
  const result = await extractFiles(request)
  const files_ = under
    .headers()
    .map(({ files }) => ({ completed: files?.completed.map(({ key }) => key) ?? [], skipped: files?.skipped ?? [] }))
  return { ...under, result, opened: source.opened, batches: under.rows(), written: files_ }
}

describe('§6: batches', () => {
  test('small files share a batch; a file is written down with its last row', async () => {
    const { batches, written, result, offers } = await extract([
      { key: 'a', rows: 'ab' },
      { key: 'b', rows: 'c' },
      { key: 'c', rows: 'defgh' },
      { key: 'd', rows: '' },
    ])
    expect(batches).toEqual(['a b c', 'd e f', 'g h'])
    expect(written.map(({ completed }) => completed)).toEqual([['a', 'b'], [], ['c', 'd']])
    expect(offers.every(({ boundary }) => boundary === undefined)).toBe(true)
    expect(result).toEqual({ end: 'exhausted', warnings: [] })
  })

  test('nothing of a file that breaks off is applied, though parts of it were staged', async () => {
    const { batches, written, staged } = await extract([
      { key: 'a', rows: 'a' },
      { key: 'b', rows: 'bcdefg!' },
      { key: 'c', rows: 'h' },
    ])
    expect(batches).toEqual(['a h'])
    expect(written).toEqual([
      {
        completed: ['a', 'c'],
        skipped: [{ key: 'b', line: 7, code: 'invalid_json', sentence: 'The line is not a JSON object.' }],
      },
    ])
    expect(staged.size).toBe(1)
  })

  test('a batch may hold no rows, only what became of files', async () => {
    const { batches, written } = await extract([{ key: 'a', rows: '!' }])
    expect(batches).toEqual([''])
    expect(written[0]?.skipped).toMatchObject([{ key: 'a', line: 1 }])
  })

  test('no files, no batches', async () => {
    expect((await extract([])).offers).toEqual([])
  })
})

describe('§6: each file is applied once', () => {
  const known = { a: { etag: 'e1', version: 'v1' } }

  test('a known file is not opened, also when only its version is another', async () => {
    const { opened } = await extract(
      [
        { key: 'a', rows: 'a' },
        { key: 'b', rows: 'b' },
      ],
      { known },
    )
    expect(opened).toEqual(['b'])
    expect((await extract([{ key: 'a', rows: 'a', version: 'v2' }], { known })).opened).toEqual([])
  })

  test('another content under a known name is reported, and read only on demand', async () => {
    const files = [{ key: 'a', rows: 'a', version: 'v2', etag: 'e2' }]
    const reported = await extract(files, { known })
    expect(reported.opened).toEqual([])
    expect(reported.result.warnings).toMatchObject([
      { code: 'file_overwritten', sentence: expect.stringContaining('a came again') },
    ])
    expect((await extract(files, { known, overwrites: 'reprocess' })).batches).toEqual(['a'])
  })
})

describe('the end of a segment', () => {
  const files = ['a', 'b', 'c'].map((key) => ({ key, rows: `${key}${key}${key}${key}` }))

  test('is the end of a file', async () => {
    const { result, batches } = await extract(files, { input: { batchesMax: 1 } })
    expect(result.end).toBe('segment')
    expect(batches).toEqual(['a a a', 'a'])
  })

  test('a stop is a stop', async () => {
    const { result } = await extract(files, { stopAt: 1 })
    expect(result.end).toBe('stopped')
  })

  test.each([
    [12, 'exhausted', 3],
    [11, 'rows_limit', 2],
    [3, 'rows_limit', 0],
  ])('§7: %i rows a run', async (rowsMax, end, whole) => {
    const { result, written, staged, offers } = await extract(files, { input: { rowsMax } })
    expect(result.end).toBe(end)
    expect(written.flatMap(({ completed }) => completed)).toHaveLength(whole)
    expect(staged.size).toBe(offers.length)
  })
})
