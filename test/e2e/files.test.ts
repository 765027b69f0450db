import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { describeOn } from '../servers/address.ts'
import { type DeploymentUnderTest, deploy } from './deploymentUnderTest.ts'

const describeOnServers = await describeOn('postgres', 'temporal')

describeOnServers('files in a folder', () => {
  let sluice: DeploymentUnderTest
  let exports: string
  beforeAll(async () => {
    sluice = await deploy()
    exports = path.join(sluice.folder, 'exports')
  })
  afterAll(() => sluice?.stop())

  let round = 0
  let sync: string
  beforeEach(async () => {
    sync = `files-${++round}`
    await rm(exports, { recursive: true, force: true })
    await mkdir(exports)
    await sluice.store.query('truncate sluice.account; update sluice.usage set accounts = 0, bytes = 0').catch(() => {})
  })

  const configure = async (format: string, more = '') => {
    const applied = await sluice.configure(`
schema:
  fields:
    plan: string
    seats: integer
    address: object
connections:
  exports: { type: folder, path: ./exports }
syncs:
  ${sync}: { connection: exports, source: { prefix: "", format: ${format} }${more} }
`)
    expect(applied).toMatchObject({ code: 0 })
  }
  const put = (name: string, content: string | Uint8Array) => writeFile(path.join(exports, name), content)
  const run = () => sluice.sluice('sync', 'run', sync, '--wait', '--json')
  const accounts = async () =>
    Object.fromEntries(
      (await sluice.sluice('account', 'export', '--json')).lines.map((account) => [
        account.id,
        { name: account.name, ...account.attributes },
      ]),
    )

  test('§6 JSON lines: PAYLOAD as a JSON string with escaped quotes and a nested object, as an object, and a deleted line', async () => {
    await configure('jsonl')
    await put(
      '1.jsonl',
      [
        '{"ID":"a","NAME":"Acme \\"A\\"","PAYLOAD":"{\\"plan\\":\\"say \\\\\\"hi\\\\\\"\\",\\"address\\":{\\"city\\":\\"Köln\\",\\"zip\\":[1,{\\"x\\":null}]}}"}',
        '{"id":"b","name":"Beta","payload":{"seats":9007199254740993,"plan":null}}',
        '{"ID":"c","NAME":"Gamma","PAYLOAD":null}',
        '{"ID":"c","deleted":true}',
        '{"ID":85,"NAME":"Number"}',
      ].join('\n'),
    )
    const answer = await run()
    expect(answer.json).toMatchObject({
      status: 'success',
      rows: { read: 5, created: 3, merged: 1, ignored: 1 },
      files: { applied: 1, skipped: [] },
    })
    expect(await accounts()).toEqual({
      85: { name: 'Number' },
      a: { name: 'Acme "A"', plan: 'say "hi"', address: { city: 'Köln', zip: [1, { x: null }] } },
      b: { name: 'Beta', seats: Number('9007199254740993') },
    })
    expect((await sluice.sluice('account', 'get', 'b', '--json')).stdout).toContain('9007199254740993')
  })

  test('§6 CSV: header ID,NAME,PAYLOAD,DELETED, doubled quotes, numeric ids, `TRUE ` with a trailing blank', async () => {
    await configure('csv')
    await put(
      '1.csv',
      '\uFEFFID,NAME,PAYLOAD,DELETED\r\n85,"Acme, ""Ltd""","{""plan"":""a, b"",""seats"":""7""}",\r\n1,One,"{""plan"":\r\n""x""}",FALSE\r\n',
    )
    expect((await run()).json).toMatchObject({ status: 'success', rows: { read: 2, created: 2 } })
    expect(await accounts()).toEqual({
      1: { name: 'One', plan: 'x' },
      85: { name: 'Acme, "Ltd"', plan: 'a, b', seats: 7 },
    })
    await put('2.csv', 'deleted,id\nTRUE ,85\n')
    expect((await run()).json).toMatchObject({ rows: { read: 1, deleted: 1 } })
    expect(Object.keys(await accounts())).toEqual(['1'])
  })

  test('§6 a file with one bad line is skipped whole, named with its line; the others are applied; mended, it is read', async () => {
    await configure('jsonl')
    await put('1-good.jsonl', '{"ID":"a","NAME":"A"}\n')
    await put('2-bad.jsonl', '{"ID":"b","NAME":"B"}\n{"ID":"c"\n')
    await put('3-good.jsonl', '{"ID":"d","NAME":"D"}\n{"ID":"","NAME":"row error"}\n')
    const answer = await run()
    expect(answer.code).toBe(4)
    expect(answer.json).toMatchObject({
      status: 'partial',
      rows: { read: 3, created: 2, rejected: 1 },
      files: {
        applied: 2,
        skipped: [{ key: '2-bad.jsonl', line: 2, code: 'invalid_json', sentence: expect.any(String) }],
      },
    })
    expect(Object.keys(await accounts())).toEqual(['a', 'd'])
    await put('2-bad.jsonl', '{"ID":"b","NAME":"B"}\n{"ID":"c","NAME":"C"}\n')
    expect((await run()).json).toMatchObject({
      status: 'success',
      rows: { read: 2, created: 2 },
      files: { applied: 1 },
    })
    expect(Object.keys(await accounts())).toEqual(['a', 'b', 'c', 'd'])
  })

  test.each([
    ['a broken quote', 'ID,NAME\n1,"x\n', 'invalid_csv'],
    ['a row of another width', 'ID,NAME\n1,x\n2\n', 'wrong_width'],
    ['no ID column', 'KEY,NAME\n1,x\n', 'column_missing'],
    ['text that is not UTF-8', Buffer.from('ID,NAME\n1,\xff\n', 'latin1'), 'invalid_encoding'],
  ])('§6 a CSV with %s is skipped whole', async (_, content, code) => {
    await configure('csv')
    await put('1.csv', content)
    expect((await run()).json).toMatchObject({
      status: 'partial',
      rows: { read: 0 },
      files: { applied: 0, skipped: [{ key: '1.csv', code }] },
    })
    expect(await accounts()).toEqual({})
  })

  test('§6 gzip and zstd; each file is applied once; a key that comes again with another content is reported file_overwritten and not read', async () => {
    await configure('jsonl')
    await put('1.jsonl.gz', gzipSync('{"ID":"a","NAME":"A"}\n'))
    await put('2.jsonl.zst', zstdCompressSync('{"ID":"b","NAME":"B","UPDATED_AT":"2026-01-01"}\n'))
    const first = (await run()).json
    expect(first).toMatchObject({
      rows: { created: 2 },
      files: { applied: 2 },
      warnings: [{ code: 'updated_at_ignored' }],
    })
    expect((await run()).json).toMatchObject({ status: 'success', rows: { read: 0 } })
    await put('1.jsonl.gz', gzipSync('{"ID":"a","NAME":"Another"}\n'))
    expect((await run()).json).toMatchObject({
      rows: { read: 0 },
      warnings: [{ code: 'file_overwritten', sentence: expect.stringContaining('1.jsonl.gz') }],
    })
    expect(await accounts()).toMatchObject({ a: { name: 'A' } })
    await configure('jsonl', ', overwrites: reprocess')
    expect((await run()).json).toMatchObject({ rows: { read: 1, updated: 1 } })
    expect(await accounts()).toMatchObject({ a: { name: 'Another' } })
  })

  test('§6 files go in order of last-modified, rows in file order', async () => {
    await configure('jsonl')
    await put('z.jsonl', '{"ID":"a","NAME":"first"}\n{"ID":"a","DELETED":"yes"}\n{"ID":"a","NAME":"second"}\n')
    await new Promise((resolve) => setTimeout(resolve, 20))
    await put('a.jsonl', '{"ID":"a","NAME":"third"}\n')
    expect((await run()).json).toMatchObject({ rows: { read: 4 } })
    expect(await accounts()).toEqual({ a: { name: 'third' } })
  })

  test('§6 a missing folder is a configuration error, an empty one is not', async () => {
    await configure('jsonl')
    expect(await run()).toMatchObject({ code: 0 })
    await rm(exports, { recursive: true })
    const answer = await run()
    expect(answer.code).toBe(3)
    expect(answer.json).toMatchObject({
      status: 'config_error',
      error: { code: 'folder_missing', sentence: expect.any(String), remedy: expect.any(String) },
    })
  })

  test('hundreds of small files cost no event each', async () => {
    await configure('jsonl')
    await Promise.all(
      Array.from({ length: 400 }, (_, n) =>
        put(`${n}.jsonl`, Array.from({ length: 50 }, (_, row) => `{"ID":"${n}-${row}","NAME":"N"}\n`).join('')),
      ),
    )
    const answer = (await run()).json
    expect(answer).toMatchObject({
      status: 'success',
      rows: { read: 20_000, created: 20_000 },
      files: { applied: 400 },
    })
    const history = JSON.parse(
      await sluice.temporal.cli('workflow', 'show', '--workflow-id', answer.workflow_id, '--output', 'json'),
    )
    expect(history.events.length).toBeLessThan(80)
  })
})
