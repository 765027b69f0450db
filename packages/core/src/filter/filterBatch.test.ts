import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteWriter } from '../rows/byteWriter.ts'
import { writeEscaped, writeUnescaped } from '../rows/copyText.ts'
import { type RejectionCode, rejections } from '../rows/rejection.ts'
import type { Fields } from '../schema/accountSchema.ts'
import { filterBatch } from './filterBatch.ts'
import { changeColumns, type FilterOptions, plainColumns, rejectedColumns } from './filteredBatch.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const fields: Fields = [
  ['region', { type: 'string' }],
  ['employees', { type: 'integer' }],
  ['retention', { type: 'object', merge: 'deep', fields: [['vip', { type: 'boolean' }]] }],
]
const options: FilterOptions = {
  schema: { version: 1, fields },
  onTypeMismatch: 'drop_field',
  order: 'timestamp',
  timestampDigits: 6,
  hash: (bytes) => createHash('sha256').update(bytes).digest('hex').slice(0, 32),
}
const requiring: FilterOptions = {
  ...options,
  schema: { version: 1, fields: [...fields, ['segment', { type: 'string', required: true }]] },
}

type Cell = string | Uint8Array | null
interface Row {
  updatedAt?: Cell
  id?: Cell
  name?: Cell
  payload?: Cell
  deleted?: Cell
}
const at = '2024-01-01 00:00:00'

function raw(rows: readonly Row[]): Uint8Array {
  const to = new ByteWriter(0)
  for (const row of rows) {
    const { updatedAt, id, name, payload, deleted } = {
      updatedAt: at,
      id: '1',
      name: 'Ann',
      payload: '{}',
      deleted: 'f',
      ...row,
    }
    for (const [i, cell] of [updatedAt, id, name, payload, deleted].entries()) {
      if (i > 0) to.byte(0x09)
      if (cell === null) to.text('\\N')
      else {
        const bytes = typeof cell === 'string' ? encoder.encode(cell) : cell
        writeEscaped(to, bytes, 0, bytes.length)
      }
    }
    to.byte(0x0a)
  }
  return to.bytes.slice(0, to.length)
}

type Line<Column extends string> = Record<Column, string | null>

/** Lines of COPY text as records. */
function read<Column extends string>(bytes: Uint8Array, columns: readonly Column[]): Line<Column>[] {
  const lines = decoder.decode(bytes).split('\n')
  expect(lines.pop()).toBe('')
  return lines.map((line) => {
    const cells = line.split('\t')
    if (cells.length !== columns.length) throw new Error(`${cells.length} columns in ${line}`)
    return Object.fromEntries(
      columns.map((column, i) => {
        if (cells[i] === '\\N') return [column, null]
        const escaped = encoder.encode(cells[i])
        const to = new ByteWriter(0)
        writeUnescaped(to, escaped, 0, escaped.length)
        return [column, decoder.decode(to.written)]
      }),
    ) as Line<Column>
  })
}

function filter(rows: readonly Row[], how: FilterOptions = options) {
  const filtered = filterBatch(raw(rows), how)
  const rejected = read(filtered.rejected, rejectedColumns)
  const others = read(filtered.changes, changeColumns)
  const { report } = filtered
  // Plain lines come in order, and theirs are the rows that are left.
  const elsewhere = new Set(
    [...others, ...rejected.filter(({ conditional }) => conditional === 'f')].map((line) => Number(line.ordinal)),
  )
  const ordinals = Array.from({ length: report.rowsRead }, (_, ordinal) => ordinal).filter(
    (ordinal) => !elsewhere.has(ordinal),
  )
  const plain = read(filtered.plain, plainColumns).map((line, i): Line<(typeof changeColumns)[number]> => {
    return {
      ...line,
      step: '1',
      kind: 'u',
      remove: null,
      deep: null,
      lacks_required: 'f',
      ordinal: String(ordinals[i]),
    }
  })
  const changes = [...plain, ...others].sort((a, b) => Number(a.ordinal) - Number(b.ordinal))
  return { changes, rejected, report }
}

/** The code of the one row; undefined if it is a change. */
function codeOf(row: Row, how?: FilterOptions): string | null | undefined {
  const { changes, rejected, report } = filter([row], how)
  expect(changes.length + rejected.length).toBe(1)
  expect(report.rowsRead).toBe(1)
  expect(report.rowsChanges).toBe(changes.length)
  expect(report.rowsRejected).toBe(rejected.length)
  expect(report.rejected).toEqual(rejected.length === 1 ? { [rejected[0]!.code!]: 1 } : {})
  return rejected[0]?.code
}

describe('§2 ID', () => {
  test.each<[string, Cell, RejectionCode | undefined]>([
    ['text is taken', 'acct-1', undefined],
    ['a number is taken as its exact text', '9007199254740993.0', undefined],
    ['blanks are kept, not trimmed', ' 1 ', undefined],
    ['one blank is a character', ' ', undefined],
    ['255 characters, counted as code points', '😀'.repeat(255), undefined],
    ['a backslash, a quote, the word \\N', '\\N"\\', undefined],
    ['256 characters', 'a'.repeat(256), 'invalid_id'],
    ['256 code points', '😀'.repeat(256), 'invalid_id'],
    ['NULL', null, 'invalid_id'],
    ['empty', '', 'invalid_id'],
    ['NUL', 'a\0', 'invalid_id'],
    ['a tab', 'a\tb', 'invalid_id'],
    ['a line feed', 'a\n', 'invalid_id'],
    ['U+001F', 'a\u001f', 'invalid_id'],
    ['DEL', 'a\u007f', 'invalid_id'],
    ['U+0080', 'a\u0080', 'invalid_id'],
    ['U+009F', 'a\u009f', 'invalid_id'],
    ['U+00A0 is no control character', 'a\u00a0', undefined],
    ['a byte that is no UTF-8', Uint8Array.of(0x61, 0xff), 'invalid_id'],
    ['a lone surrogate', Uint8Array.of(0xed, 0xa0, 0x80), 'invalid_id'],
    ['a character cut short', Uint8Array.of(0xc2), 'invalid_id'],
  ])('%s', (_, id, code) => {
    expect(codeOf({ id })).toBe(code)
    expect(codeOf({ id, deleted: 't' })).toBe(code)
    if (code === undefined) expect(filter([{ id }]).changes[0]!.id).toBe(id)
  })
})

describe('§2 NAME', () => {
  test.each<[string, Cell, RejectionCode | undefined]>([
    ['text', 'Ann\tLee\n\\', undefined],
    ['5,000 characters', '😀'.repeat(5000), undefined],
    ['5,001 characters', '😀'.repeat(5001), 'invalid_name'],
    ['NULL', null, 'invalid_name'],
    ['empty', '', 'invalid_name'],
    ['NUL', 'a\0', 'invalid_name'],
    ['no UTF-8', Uint8Array.of(0xc0, 0x80), 'invalid_name'],
  ])('%s', (_, name, code) => {
    expect(codeOf({ name })).toBe(code)
    expect(codeOf({ name, deleted: 't' })).toBeUndefined()
    if (code === undefined) expect(filter([{ name }]).changes[0]!.name).toBe(name)
  })
})

describe('§2 DELETED', () => {
  const kinds: [Cell, 'u' | 'd' | 'invalid_deleted'][] = [
    ...['true', 'T', 'Yes', 'y', '1', 'TRUE ', '\tt\n'].map((word) => [word, 'd'] as [Cell, 'd']),
    ...['false', 'F', 'No', 'n', '0', ' False', '', '   '].map((word) => [word, 'u'] as [Cell, 'u']),
    [null, 'u'],
    ...['2', '1.0', 'on', 'null', 'tru', 't t', '\u00a0t'].map(
      (word) => [word, 'invalid_deleted'] as [Cell, 'invalid_deleted'],
    ),
  ]
  test.each(kinds)('%j is %s', (deleted, kind) => {
    const { changes, rejected } = filter([{ deleted }])
    expect(changes[0]?.kind ?? rejected[0]?.code).toBe(kind)
  })
})

describe('§2 PAYLOAD: NULL or empty text is no fields', () => {
  test.each([[null], [''], ['{}'], [' {} ']])('%j', (payload) => {
    expect(filter([{ payload }]).changes[0]).toMatchObject({ kind: 'u', set: '{}', remove: null, deep: null })
  })
})

describe('§2 UPDATED_AT', () => {
  test.each<[string, Cell, RejectionCode | undefined]>([
    ['a timestamp', at, undefined],
    ['NULL', null, 'missing_updated_at'],
    ['infinity', 'infinity', 'invalid_updated_at'],
    ['before Christ', '0044-03-15 12:00:00+00 BC', 'invalid_updated_at'],
    ['after 9999', '10000-01-01 00:00:00', 'invalid_updated_at'],
  ])('%s', (_, updatedAt, code) => {
    expect(codeOf({ updatedAt })).toBe(code)
    expect(codeOf({ updatedAt, deleted: 't' })).toBe(code)
  })

  test('is padded to the digits of the source', () => {
    expect(filter([{ updatedAt: '2024-01-01 00:00:00.5+00' }]).changes[0]!.updated_at).toBe(
      '2024-01-01 00:00:00.500000',
    )
  })

  test('§6 is not looked at in files', () => {
    for (const updatedAt of [null, 'infinity']) {
      expect(filter([{ updatedAt }], { ...options, order: 'file' }).changes[0]!.updated_at).toBeNull()
    }
  })
})

describe('§2 the first check that fails, in the order of the table, names the code', () => {
  const bad: [keyof Row, Cell, RejectionCode][] = [
    ['id', null, 'invalid_id'],
    ['name', null, 'invalid_name'],
    ['payload', '[]', 'invalid_payload'],
    ['deleted', 'x', 'invalid_deleted'],
    ['updatedAt', null, 'missing_updated_at'],
  ]
  test.each(bad.map((_, i) => [bad[i]![2], i] as const))('%s', (code, first) => {
    const row: Row = Object.fromEntries(bad.slice(first).map(([column, cell]) => [column, cell]))
    expect(codeOf(row)).toBe(code)
  })

  test('a delete needs only its ID and UPDATED_AT', () => {
    expect(codeOf({ deleted: 't', name: null, payload: '[]' })).toBeUndefined()
    expect(codeOf({ deleted: 't', name: null, payload: '[]', id: '' })).toBe('invalid_id')
    expect(filter([{ deleted: 't', name: 'x', payload: '{"region":"a"}' }]).changes[0]).toMatchObject({
      kind: 'd',
      name: null,
      set: null,
      remove: null,
      deep: null,
      lacks_required: 'f',
    })
  })

  test('the fields come last', () => {
    const how: FilterOptions = { ...requiring, onTypeMismatch: 'reject_row' }
    const payload = '{"employees":"x","segment":null}'
    expect(codeOf({ payload, updatedAt: null }, how)).toBe('missing_updated_at')
    expect(codeOf({ payload }, how)).toBe('type_mismatch')
    expect(codeOf({ payload }, requiring)).toBe('missing_required')
  })
})

describe('§3 on_type_mismatch', () => {
  const payload = '{"employees":"2013 (1888)","region":"a","x":1,"retention":{"vip":"?"}}'

  test('drop_field: the field is dropped, the rest of the row is applied', () => {
    const { changes, report } = filter([{ payload }])
    expect(changes[0]).toMatchObject({ set: '{"region":"a"}', deep: '{"retention":{}}' })
    expect(report).toMatchObject({ typeMismatches: { employees: 1, 'retention.vip': 1 }, droppedFields: { x: 1 } })
  })

  test('reject_row: the row is rejected, and the field is named', () => {
    const { rejected, report } = filter([{ payload }], { ...options, onTypeMismatch: 'reject_row' })
    expect(rejected[0]).toMatchObject({ code: 'type_mismatch', sentence: `${rejections.type_mismatch} (employees)` })
    expect(report).toMatchObject({ typeMismatches: { employees: 1, 'retention.vip': 1 }, droppedFields: {} })
  })

  test('reject_row: also for a field inside an object', () => {
    const { rejected } = filter([{ payload: '{"retention":{"vip":"?"}}' }], {
      ...options,
      onTypeMismatch: 'reject_row',
    })
    expect(rejected[0]!.sentence).toContain('(retention.vip)')
  })
})

describe('§3 required', () => {
  test('null for it is rejected at once', () => {
    const { changes, rejected } = filter([{ payload: '{"segment":null}' }], requiring)
    expect(changes).toEqual([])
    expect(rejected[0]).toMatchObject({ code: 'missing_required', conditional: 'f' })
  })

  test.each(['{}', '{"segment":[]}', '{"segment":"\\u0000"}', ''])(
    '%s may update an account, but not create one',
    (payload) => {
      const { changes, rejected, report } = filter([{ payload }], requiring)
      expect(changes[0]!.lacks_required).toBe('t')
      expect(rejected[0]).toMatchObject({ ordinal: '0', code: 'missing_required', conditional: 't', payload })
      expect(report).toMatchObject({ rowsChanges: 1, rowsRejected: 0, rejected: {} })
    },
  )

  test('with it an account may be created', () => {
    const { changes, rejected } = filter([{ payload: '{"segment":"a"}' }], requiring)
    expect(changes[0]!.lacks_required).toBe('f')
    expect(rejected).toEqual([])
  })
})

describe('§4 steps: the order in which the rows of one id take effect', () => {
  const steps = (rows: readonly Row[], how?: FilterOptions) => filter(rows, how).changes.map(({ step }) => Number(step))
  const later = '2024-01-01 00:00:00.000001'

  test.each<[string, Row[], number[]]>([
    ['other ids', [{ id: '1' }, { id: '2' }, { id: '12' }], [1, 1, 1]],
    ['the order of the source', [{}, { id: '2' }, {}, {}], [1, 1, 2, 3]],
    ['the order of UPDATED_AT before it', [{ updatedAt: later }, {}, { updatedAt: later }], [2, 1, 3]],
    ['a delete wins at one UPDATED_AT', [{ deleted: 't' }, {}, { updatedAt: later }], [2, 1, 3]],
    [
      'times with and without a fraction',
      [{ updatedAt: `${at}.5` }, { updatedAt: `${at}+00` }, { updatedAt: `${at}.25` }],
      [3, 1, 2],
    ],
    ['rejected rows have none', [{}, { name: null }, {}], [1, 2]],
    ['an id with escapes', [{ id: 'a\\b' }, { id: 'a\\b' }, { id: 'a\\' }], [1, 2, 1]],
    ['more than nine', Array.from({ length: 11 }, () => ({})), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
  ])('%s', (_, rows, expected) => {
    expect(steps(rows)).toEqual(expected)
    expect(filter(rows).report.stepsMax).toBe(Math.max(...expected))
  })

  test('§6 rows of a file: in the order of the file, a delete too', () => {
    expect(steps([{ deleted: 't' }, {}, { deleted: 't' }], { ...options, order: 'file' })).toEqual([1, 2, 3])
  })

  test('are what sorting says, for any rows', () => {
    const row = fc.record({
      id: fc.constantFrom('a', 'b', 'c'),
      updatedAt: fc.constantFrom(at, later, `${at}.1`, `${at}.10`),
      deleted: fc.constantFrom('t', 'f'),
    })
    fc.assert(
      fc.property(fc.array(row, { maxLength: 12 }), (rows) => {
        const time = ({ updatedAt }: { updatedAt: string }) => Number(updatedAt.slice(19) || 0)
        const sorted = [...rows].sort(
          (a, b) => time(a) - time(b) || Number(a.deleted === 't') - Number(b.deleted === 't'),
        )
        const expected = rows.map((row) => sorted.filter(({ id }) => id === row.id).indexOf(row) + 1)
        expect(steps(rows)).toEqual(expected)
      }),
    )
  })

  test('of very many ids', () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => ({ id: `id-${i % 5000}` }))
    expect(steps(rows).join()).toBe(rows.map((_, i) => (i < 5000 ? 1 : 2)).join())
  })
})

describe('the hash of a change', () => {
  const hash = (row: Row, how?: FilterOptions) => filter([{ id: '0' }, row], how).changes[1]!.hash
  const row: Row = { payload: '{"region":"a","employees":1}' }

  test.each<[string, Row]>([
    ['UPDATED_AT', { ...row, updatedAt: '2025-01-01 00:00:00' }],
    ['the order of the keys', { payload: ' { "employees" : 1 , "region" : "a" } ' }],
    ['how a value is written that is converted', { payload: '{"region":"a","employees":"1.0"}' }],
    ['what the schema drops', { payload: '{"region":"a","employees":1,"x":2}' }],
  ])('is the same whatever %s', (_, other) => expect(hash(other)).toBe(hash(row)))

  test.each<[string, Row]>([
    ['ID', { ...row, id: '2' }],
    ['NAME', { ...row, name: 'Bob' }],
    ['a value', { payload: '{"region":"b","employees":1}' }],
    ['an absent field', { payload: '{"region":"a"}' }],
    ['a removed field', { payload: '{"region":"a","employees":null}' }],
    ['a patch', { payload: '{"region":"a","employees":1,"retention":{}}' }],
    ['DELETED', { ...row, deleted: 't' }],
  ])('is another with another %s', (_, other) => expect(hash(other)).not.toBe(hash(row)))

  test('step and ordinal make no difference', () => {
    const { changes } = filter([row, { id: '7' }, row])
    expect(changes[2]!.step).toBe('2')
    expect(changes[2]!.hash).toBe(changes[0]!.hash)
  })
})

describe('§2 quarantine: a rejected row is kept as it came', () => {
  test('columns', () => {
    const row = { id: 'a\tb', name: 'N\\\n', payload: '{"region":"\\u0000"} x', deleted: null, updatedAt: `${at}+00` }
    expect(filter([{}, row]).rejected).toEqual([
      {
        ordinal: '1',
        row_key: expect.stringMatching(/^[0-9a-f]{32}$/),
        id: 'a\tb',
        updated_at: `${at}+00`,
        name: 'N\\\n',
        payload: '{"region":"\\u0000"} x',
        deleted: null,
        code: 'invalid_id',
        sentence: rejections.invalid_id,
        conditional: 'f',
      },
    ])
  })

  test('what a store cannot hold is made fit for it', () => {
    const bytes = Uint8Array.of(0x61, 0x00, 0xff, 0xed, 0xa0, 0x80, 0xc3)
    const { rejected } = filter([{ id: bytes, payload: bytes }])
    expect(rejected[0]).toMatchObject({
      id: 'a\\u0000\ufffd\ufffd\ufffd\ufffd\ufffd',
      payload: 'a\\u0000\ufffd\ufffd\ufffd\ufffd\ufffd',
    })
  })

  test('the payload is cut to 1 MiB, between characters', () => {
    const { rejected } = filter([{ payload: `${'a'.repeat(1_048_575)}é` }])
    expect(rejected[0]!.payload).toBe('a'.repeat(1_048_575))
  })

  const key = (row: Row, how?: FilterOptions) => filter([row], how).rejected[0]!.row_key
  const row: Row = { payload: '[' }
  test.each<[string, Row]>([
    ['code', { ...row, id: '' }],
    ['ID', { ...row, id: '2' }],
    ['NAME', { ...row, name: 'Bob' }],
    ['PAYLOAD', { payload: '[ ' }],
    ['DELETED', { ...row, deleted: 'n' }],
    ['UPDATED_AT', { ...row, updatedAt: '2025-01-01 00:00:00' }],
    ['NULL instead of its text', { ...row, deleted: null }],
  ])('another %s, another entry', (_, other) => expect(key(other)).not.toBe(key(row)))

  test('the same row rejected again is the same entry', () => {
    expect(filter([{ id: '9' }, row]).rejected[0]!.row_key).toBe(key(row))
  })

  test('UPDATED_AT of a volatile view makes no difference', () => {
    const how = { ...options, volatileFrom: '2024-01-01 00:00:00.000000+00' }
    const [same, other] = [
      { ...row, updatedAt: '2024-01-01 00:00:00.7' },
      { ...row, updatedAt: '2024-01-02 00:00:00' },
    ]
    expect(key(same, how)).toBe(key(other, how))
    expect(key({ ...row, updatedAt: '2023-01-02 00:00:00' }, how)).not.toBe(key(other, how))
    expect(key({ ...row, updatedAt: 'infinity' }, how)).not.toBe(key(other, how))
  })
})

describe('the report', () => {
  test('adds up', () => {
    const { report } = filter([
      { payload: '{"x":1,"region":"\\u0000"}' },
      { payload: '{"x":1,"y":1,"retention":{"z":1}}', deleted: '0' },
      { payload: '{"x":1}', deleted: 't' },
      { payload: '{"x":1' },
      { payload: '{"__proto__":1}' },
      { id: null },
    ])
    expect(report).toEqual({
      rowsRead: 6,
      rowsChanges: 4,
      rowsRejected: 2,
      stepsMax: 4,
      rejected: { invalid_payload: 1, invalid_id: 1 },
      droppedFields: { x: 2, y: 1, 'retention.z': 1, ['__proto__']: 1 },
      typeMismatches: {},
      unstorableValues: { region: 1 },
    })
    expect(JSON.parse(JSON.stringify(report))).toEqual(report)
  })

  test('names the most frequent thousand, in a form that a store holds', () => {
    const rows = Array.from({ length: 1200 }, (_, i) => ({ payload: `{"x${i}":1,"often":1}` }))
    const { droppedFields } = filter([
      ...rows,
      { payload: `{"often":1,"a\\u0000\\ud800":1,"${'n'.repeat(300)}":1}` },
    ]).report
    expect(Object.keys(droppedFields)).toHaveLength(1001)
    expect(droppedFields).toMatchObject({ often: 1201, '…': 203 })
    const odd = ['a\\u0000\\ud800', 'n'.repeat(300), `n${'😀'.repeat(200)}`, '\\u0000'.repeat(100)]
    const few = filter([{ payload: `{${odd.map((name) => `"${name}":1`)}}` }]).report.droppedFields
    expect(Object.keys(few)).toEqual([
      'a\\u0000\\ud800',
      `${'n'.repeat(254)}…`,
      `n${'😀'.repeat(126)}…`,
      `${'\\u0000'.repeat(42)}\\u…`,
    ])
  })
})

describe('the raw batch', () => {
  test('may be empty', () => {
    expect(filter([])).toMatchObject({ changes: [], rejected: [], report: { rowsRead: 0, stepsMax: 0 } })
  })

  test.each(['x', 'a\tb\n', 'a\tb\tc\td\n', `${at}\t1\tAnn\t{}\tf`])('%j is a bug', (text) => {
    expect(() => filterBatch(encoder.encode(text), options)).toThrow('Row 0')
  })

  test('rows with and without escapes side by side', () => {
    const rows = [
      '{"region":"a"}',
      '{"region":"\\"\\\\"}',
      '{"region":"é"}',
      '{\n"region":\t"\\u0041"}',
      '{"region":"b"}',
    ]
    expect(filter(rows.map((payload) => ({ payload }))).changes.map(({ set }) => set)).toEqual([
      '{"region":"a"}',
      '{"region":"\\"\\\\"}',
      '{"region":"é"}',
      '{"region":"\\u0041"}',
      '{"region":"b"}',
    ])
  })

  test('one batch is as good as its rows one by one', () => {
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 5 }), fc.constantFrom('1', '', 't', at, '\\N', '\t'))
    const cell = fc.option(text)
    const row = fc.record({
      updatedAt: fc.oneof(fc.constant(at), cell),
      id: fc.oneof(fc.constantFrom('1', '2'), cell),
      name: fc.oneof(fc.constant('Ann'), cell),
      payload: fc.oneof(fc.constantFrom('{"region":"\\n"}', '{"employees":1}', '{"retention":{"vip":1}}'), cell),
      deleted: fc.oneof(fc.constantFrom('t', 'f'), cell),
    })
    fc.assert(
      fc.property(fc.array(row, { maxLength: 8 }), (rows) => {
        const together = filter(rows)
        const alone = rows.map((row) => filter([row]))
        const strip = <T extends { ordinal: string | null }>(line: T) => ({ ...line, ordinal: 0, step: 0 })
        expect(together.changes.map(strip)).toEqual(alone.flatMap(({ changes }) => changes.map(strip)))
        expect(together.rejected.map(strip)).toEqual(alone.flatMap(({ rejected }) => rejected.map(strip)))
        expect(together.report.rowsChanges + together.report.rowsRejected).toBe(rows.length)
      }),
      { numRuns: 200 },
    )
  })
})
