import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { FileFault, type FileFormat } from '@sluice/core/source/fileSource'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Compression, compressionOf, isOfFormat } from './fileName.ts'
import { fileBytesMax, readRows } from './readRows.ts'

interface Options {
  compression?: Compression
  bytesMax?: number
  /** Size of the chunks that the file comes in. */
  chunk?: number
}

async function* inChunks(file: Uint8Array, size: number) {
  for (let at = 0; at < file.length; at += size) yield file.subarray(at, at + size)
}

async function read(format: FileFormat, file: string | Uint8Array, options: Options = {}) {
  const { compression, bytesMax = fileBytesMax, chunk = 1 << 16 } = options
  const found: string[] = []
  let updatedAtIgnored = false
  const bytes = inChunks(Buffer.from(file), chunk)
  for await (const part of readRows(bytes, { format, compression, bytesMax })) {
    const lines = Buffer.from(part.lines).toString('utf8').split('\n')
    expect(lines.pop()).toBe('')
    expect(lines).toHaveLength(part.rows)
    found.push(...lines)
    updatedAtIgnored = part.updatedAtIgnored
  }
  return { rows: found, updatedAtIgnored }
}

/** The outcome must not depend on how the file is cut into chunks. */
async function rowsOf(format: FileFormat, file: string | Uint8Array, options: Options = {}): Promise<string[]> {
  const { rows } = await read(format, file, options)
  for (const chunk of [1, 2, 3, 7]) expect((await read(format, file, { ...options, chunk })).rows).toEqual(rows)
  return rows
}

async function faultOf(format: FileFormat, file: string | Uint8Array, options: Options = {}) {
  const faults: string[] = []
  for (const chunk of [1 << 16, 1, 3]) {
    const error: unknown = await read(format, file, { ...options, chunk }).catch((error) => error)
    if (!(error instanceof FileFault)) throw error instanceof Error ? error : new Error('no fault')
    faults.push(error.line === undefined ? error.code : `${error.code} ${error.line}`)
  }
  expect(new Set(faults).size).toBe(1)
  return faults[0]
}

describe('§6 JSON lines', () => {
  test.each<[string, string, string]>([
    [
      'the sample: PAYLOAD as a JSON string',
      String.raw`{"id":"1","name":"A","payload":"{\"a\":\"x \\\"y\\\"\",\"o\":{\"n\":1}}"}`,
      String.raw`\N|1|A|{"a":"x \\"y\\"","o":{"n":1}}|\N`,
    ],
    ['the sample: a delete', '{"id":"1","deleted":true}', String.raw`\N|1|\N|\N|t`],
    [
      'names in any case, unknown ones ignored',
      '{"Id":"1","NAME":"A","x":{"id":2},"PayLoad":"{}"}',
      String.raw`\N|1|A|{}|\N`,
    ],
    ['a number as ID is its exact text', '{"id":9007199254740993,"name":"A"}', String.raw`\N|9007199254740993|A|\N|\N`],
    ['an ID of another kind is NULL', '{"id":["1"],"name":"A"}', String.raw`\N|\N|A|\N|\N`],
    ['a NAME of another kind is NULL', '{"id":"1","name":5}', String.raw`\N|1|\N|\N|\N`],
    [
      'an object as PAYLOAD is kept as written',
      '{"id":"1","payload":{ "n" : 0.10,\t"e":1e400 , "s":"a\\nb" }}',
      String.raw`\N|1|\N|{ "n" : 0.10,\t"e":1e400 , "s":"a\\nb" }|\N`,
    ],
    ['a PAYLOAD of another kind is its raw text', '{"id":"1","payload":[1, 2]}', String.raw`\N|1|\N|[1, 2]|\N`],
    ['a null is absent', '{"id":"1","name":null,"payload":null,"deleted":null}', String.raw`\N|1|\N|\N|\N`],
    [
      'DELETED false, text, number, other',
      '{"id":"1","deleted":false}\n{"id":"1","deleted":"TRUE "}\n{"id":"1","deleted":1}\n{"id":"1","deleted":{}}',
      String.raw`\N|1|\N|\N|f,\N|1|\N|\N|TRUE ,\N|1|\N|\N|1,\N|1|\N|\N|{}`,
    ],
    [
      'a member that comes twice, also in another case: the last counts',
      '{"id":"1","ID":"2","name":"A","name":"B"}',
      String.raw`\N|2|B|\N|\N`,
    ],
    ['a row without ID is a row', '{"name":"A"}', String.raw`\N|\N|A|\N|\N`],
    [
      'characters that COPY escapes',
      String.raw`{"id":"a\tb\\c\nd\re\bf\fg\u000bh\/\"\u0041\u0009"}`,
      String.raw`\N|a\tb\\c\nd\re\bf\fg\vh/"A\t|\N|\N|\N`,
    ],
    [
      'characters outside ASCII, plain and escaped',
      String.raw`{"id":"é账😀","name":"\u00e9\u8d26\uD83D\ude00"}`,
      String.raw`\N|é账😀|é账😀|\N|\N`,
    ],
    [
      'half a surrogate pair: ID and NAME are NULL, PAYLOAD keeps the escape, DELETED is wrong',
      String.raw`{"id":"a\ud800","name":"\udc00b","payload":"{\"a\":\"\ud83d!\"}","deleted":"\ud800"}`,
      `${String.raw`\N|\N|\N|{"a":"\\ud83d!"}|`}\ufffd`,
    ],
    ['NUL stays', String.raw`{"id":"a\u0000b"}`, '\\N|a\0b|\\N|\\N|\\N'],
    [
      'lines of white space are passed over',
      '\n{"id":"1"}\n \t\r\n{"id":"2"}\n\n',
      String.raw`\N|1|\N|\N|\N,\N|2|\N|\N|\N`,
    ],
    ['CRLF, and no line break at the end', '{"id":"1"}\r\n{"id":"2"}', String.raw`\N|1|\N|\N|\N,\N|2|\N|\N|\N`],
    ['a BOM is tolerated', '\ufeff{"id":"1"}\n', String.raw`\N|1|\N|\N|\N`],
    ['an empty file', '', ''],
    ['a BOM alone', '\ufeff', ''],
  ])('%s', async (_, file, rows) => {
    expect((await rowsOf('jsonl', file)).map((row) => row.replaceAll('\t', '|')).join(',')).toBe(rows)
  })

  test.each<[string, string | Uint8Array, string]>([
    ['not JSON', '{"id":"1"}\n{"id":"2"\n{"id":"3"}\n', 'invalid_json 2'],
    ['not an object', '{"id":"1"}\n\n[1]\n', 'invalid_json 3'],
    ['two objects', '{"id":"1"} {"id":"2"}\n', 'invalid_json 1'],
    ['cut off', '{"id":"1"}\n{"id"', 'invalid_json 2'],
    ['NaN', '{"id":NaN}', 'invalid_json 1'],
    ['a BOM elsewhere', '{"id":"1"}\n\ufeff{"id":"2"}\n', 'invalid_json 2'],
    ['not UTF-8', Buffer.from('{"id":"1"}\n{"id":"\xe9"}\n', 'latin1'), 'invalid_encoding 2'],
  ])('a bad line skips the file: %s', async (_, file, fault) => {
    expect(await faultOf('jsonl', file)).toBe(fault)
  })

  test('a line past 16 MiB is a bad line', async () => {
    const long = Buffer.concat([Buffer.from('{"id":"1"}\n'), Buffer.alloc(17 * 1024 * 1024, 0x20)])
    await expect(read('jsonl', long)).rejects.toMatchObject({ code: 'invalid_json', line: 2 })
  })

  test('UPDATED_AT is ignored, and told', async () => {
    expect(await read('jsonl', '{"id":"1","Updated_At":"2026-01-01"}')).toEqual({
      rows: ['\\N\t1\t\\N\t\\N\t\\N'],
      updatedAtIgnored: true,
    })
    expect((await read('jsonl', '{"id":"1"}')).updatedAtIgnored).toBe(false)
  })

  test('any object comes through as it is', async () => {
    const value = fc.record(
      { id: fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer()), payload: fc.json() },
      { requiredKeys: ['id'] },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(value, { maxLength: 5 }), fc.integer({ min: 1, max: 50 }), async (values, chunk) => {
        const { rows } = await read('jsonl', values.map((row) => JSON.stringify(row)).join('\n'), { chunk })
        expect(rows.map(unescapeRow)).toEqual(
          values.map((row) => [null, String(row.id), null, row.payload ?? null, null]),
        )
      }),
      { numRuns: 100 },
    )
  })
})

/** COPY text back into values. */
function unescapeRow(row: string): (string | null)[] {
  const letters: Record<string, string> = { t: '\t', n: '\n', r: '\r', b: '\b', f: '\f', v: '\v' }
  return row
    .split('\t')
    .map((cell) => (cell === '\\N' ? null : cell.replace(/\\(.)/g, (_, char) => letters[char] ?? char)))
}

describe('§6 CSV', () => {
  test.each<[string, string, string]>([
    [
      'the sample',
      'ID,NAME,PAYLOAD,DELETED\n85,"A ""b"", c","{""n"": 1, ""s"": ""x\ny""}",\n1,,,TRUE \n',
      String.raw`\N|85|A "b", c|{"n": 1, "s": "x\ny"}|\N;\N|1|\N|\N|TRUE `,
    ],
    ['names in any case and order, others ignored', 'x,deleted,Id\nq,t,1\n', String.raw`\N|1|\N|\N|t`],
    ['blanks around names', ' ID , NAME\n1, A\n', String.raw`\N|1| A|\N|\N`],
    ['an empty cell is NULL, an empty quoted one is empty text', 'ID,NAME,PAYLOAD\n1,"",\n', String.raw`\N|1||\N|\N`],
    [
      'CRLF, and no line break at the end',
      'ID,NAME\r\n1,A\r\n"2","B"\r\n3,C',
      String.raw`\N|1|A|\N|\N;\N|2|B|\N|\N;\N|3|C|\N|\N`,
    ],
    [
      'a carriage return inside a cell belongs to it',
      'ID,NAME\n1,a\rb\n2,"c\r\nd"\n',
      String.raw`\N|1|a\rb|\N|\N;\N|2|c\r\nd|\N|\N`,
    ],
    ['lines without a character are passed over', '\nID,NAME\n\n1,A\r\n\r\n\n', String.raw`\N|1|A|\N|\N`],
    ['a header of one column: an empty line is an empty cell', 'ID\n1\n\n', String.raw`\N|1|\N|\N|\N;\N|\N|\N|\N|\N`],
    ['characters that COPY escapes', 'ID,NAME\n"a\tb",c\\d\n', String.raw`\N|a\tb|c\\d|\N|\N`],
    ['a BOM is tolerated, before a quote too', '\ufeff"ID",NAME\n1,é😀\n', String.raw`\N|1|é😀|\N|\N`],
    ['a header alone', 'ID,NAME', ''],
  ])('%s', async (_, file, rows) => {
    expect((await rowsOf('csv', file)).map((row) => row.replaceAll('\t', '|')).join(';')).toBe(rows)
  })

  test.each<[string, string | Uint8Array, string]>([
    ['a quote that is not closed: the line where it opens', 'ID,NAME\n1,A\n2,"B\n3,C\n4,D\n', 'invalid_csv 3'],
    ['text behind a closing quote', 'ID,NAME\n1,"a\nb" c\n', 'invalid_csv 3'],
    ['a quote inside a plain cell', 'ID,NAME\n1,"a\nb"\n2,5" pipe\n', 'invalid_csv 4'],
    ['a carriage return behind a closing quote', 'ID,NAME\n1,"A"\r2,B\n', 'invalid_csv 2'],
    ['a row that is too short: the line where it begins', 'ID,NAME\n1,"a\nb"\n2\n', 'wrong_width 4'],
    ['a row that is too long', 'ID,NAME\n1,A,\n', 'wrong_width 2'],
    ['a line of blanks is a row', 'ID,NAME\n \n', 'wrong_width 2'],
    ['no header', '', 'header_missing'],
    ['empty lines only', '\n\r\n', 'header_missing'],
    ['no ID', '\nNAME,PAYLOAD\nA,\n', 'column_missing 2'],
    ['another delimiter', 'ID;NAME\n1;A\n', 'column_missing 1'],
    ['a column twice', 'ID,id\n1,2\n', 'column_ambiguous 1'],
    ['not UTF-8', Buffer.from('ID,NAME\n1,A\n2,\xe9\n3,C\n', 'latin1'), 'invalid_encoding 3'],
    ['a character cut off at the end', Buffer.from('ID,NAME\n1,\xc3', 'latin1'), 'invalid_encoding 2'],
  ])('a bad line skips the file: %s', async (_, file, fault) => {
    expect(await faultOf('csv', file)).toBe(fault)
  })

  test('UPDATED_AT is ignored, and told', async () => {
    expect(await read('csv', 'updated_at,ID\n2026-01-01,1\n')).toEqual({
      rows: ['\\N\t1\t\\N\t\\N\t\\N'],
      updatedAtIgnored: true,
    })
  })

  test('agrees with csv-parse, on good files and bad', async () => {
    const piece = fc.constantFrom('a', 'é', ' ', ',', '"', '""', '\n', '\r\n', ',"', '",', '"\n', '1', '\\')
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 25 }), fc.integer({ min: 1, max: 9 }), async (pieces, chunk) => {
        const file = `ID,NAME\n${pieces.join('')}`
        const ours = await read('csv', file, { chunk }).then(
          ({ rows }) =>
            rows.map((row) =>
              unescapeRow(row)
                .slice(1, 3)
                .map((cell) => cell ?? ''),
            ),
          () => 'bad',
        )
        let theirs: unknown
        try {
          // csv-parse would take CR for a line break too, unless told.
          theirs = parse(file, { from_line: 1, skip_empty_lines: true, record_delimiter: ['\r\n', '\n'] }).slice(1)
        } catch {
          theirs = 'bad'
        }
        expect(ours).toEqual(theirs)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('§6 compression and size', () => {
  const file = '{"id":"1"}\n{"id":"2"}\n'
  const rows = ['\\N\t1\t\\N\t\\N\t\\N', '\\N\t2\t\\N\t\\N\t\\N']
  const halves = [Buffer.from(file.slice(0, 15)), Buffer.from(file.slice(15))]

  test.each<[string, Compression, (bytes: Uint8Array) => Uint8Array]>([
    ['gzip', 'gzip', (bytes) => gzipSync(bytes)],
    ['zstd', 'zstd', (bytes) => zstdCompressSync(bytes)],
  ])(
    '%s: whole, in several members; cut off, empty or something else it is a bad file',
    async (_, compression, compress) => {
      const compressed = compress(Buffer.from(file))
      expect(await rowsOf('jsonl', compressed, { compression })).toEqual(rows)
      expect(await rowsOf('jsonl', Buffer.concat(halves.map(compress)), { compression })).toEqual(rows)
      const large = Buffer.from(file.repeat(50_000))
      expect(
        (await read('jsonl', Buffer.concat([compress(large), compress(large)]), { compression })).rows,
      ).toHaveLength(200_000)
      for (const bad of [compressed.subarray(0, -3), compressed.subarray(0, 6), Buffer.alloc(0), Buffer.from(file)]) {
        expect(await faultOf('jsonl', bad, { compression })).toBe('invalid_compression')
      }
    },
  )

  test('zstd: skippable frames, checksums, sizes and run-length blocks', async () => {
    const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])
    const checked = zstdCompressSync(file, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })
    expect(await rowsOf('jsonl', Buffer.concat([skippable, checked, skippable]), { compression: 'zstd' })).toEqual(rows)
    const runs = zstdCompressSync(Buffer.concat([Buffer.from(file), Buffer.alloc(1024 * 1024, 0x20)]))
    expect(await rowsOf('jsonl', runs, { compression: 'zstd' })).toEqual(rows)
    const damaged = Buffer.from(checked)
    damaged[damaged.length - 1]! ^= 1
    expect(await faultOf('jsonl', damaged, { compression: 'zstd' })).toBe('invalid_compression')
  })

  test('a file is at most so large, as stored and as what it holds', async () => {
    expect(await faultOf('jsonl', file, { bytesMax: file.length - 1 })).toBe('file_too_large')
    expect(await rowsOf('jsonl', file, { bytesMax: file.length })).toEqual(rows)
    const bomb = gzipSync(Buffer.alloc(1024 * 1024, 0x20))
    expect(await faultOf('jsonl', bomb, { compression: 'gzip', bytesMax: 1024 * 1024 - 1 })).toBe('file_too_large')
  })

  test('what reading throws is thrown on', async () => {
    async function* broken() {
      yield gzipSync(file).subarray(0, 20)
      throw new FileFault('file_changed')
    }
    const reading = readRows(broken(), { format: 'jsonl', compression: 'gzip', bytesMax: fileBytesMax })
    await expect(reading.next()).rejects.toMatchObject({ code: 'file_changed' })
  })

  test('leaving the iteration ends the reading', async () => {
    let ended = false
    async function* endless(compression?: Compression) {
      const compress = compression === 'gzip' ? gzipSync : compression === 'zstd' ? zstdCompressSync : Buffer.from
      try {
        for (;;) yield compress(file)
      } finally {
        ended = true
      }
    }
    for (const compression of [undefined, 'gzip', 'zstd'] as const) {
      ended = false
      for await (const _ of readRows(endless(compression), { format: 'jsonl', compression, bytesMax: fileBytesMax }))
        break
      await expect.poll(() => ended).toBe(true)
    }
  })
})

test('§6 format and compression are told by the suffix, in any case', () => {
  expect(['a.jsonl', 'b/a.NDJSON.gz', 'a.json.zst'].every((key) => isOfFormat(key, 'jsonl'))).toBe(true)
  expect(['a.csv', 'a.csv.gz'].every((key) => isOfFormat(key, 'csv'))).toBe(true)
  expect(
    ['a.csv', 'a.jsonl.tmp', 'jsonl', '.a.jsonl', '.x/a.jsonl', '_SUCCESS'].some((key) => isOfFormat(key, 'jsonl')),
  ).toBe(false)
  expect([compressionOf('a.jsonl.GZ'), compressionOf('a.zst'), compressionOf('a.jsonl')]).toEqual([
    'gzip',
    'zstd',
    undefined,
  ])
})
