import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fieldTallies } from '../filter/fieldTallies.ts'
import { ByteWriter } from '../rows/byteWriter.ts'
import { writeUnescaped } from '../rows/copyText.ts'
import type { RejectionCode } from '../rows/rejection.ts'
import type { Fields } from '../schema/accountSchema.ts'
import { canonical, filterPayload, type Json, parse } from './filterPayload.reference.ts'
import { PayloadFilter } from './payloadFilter.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const fields: Fields = [
  ['s', { type: 'string' }],
  ['n', { type: 'number' }],
  ['i', { type: 'integer' }],
  ['b', { type: 'boolean' }],
  ['t', { type: 'datetime' }],
  ['d', { type: 'date' }],
  ['as', { type: 'array', of: 'string' }],
  ['ai', { type: 'array', of: 'integer' }],
  ['at', { type: 'array', of: 'datetime' }],
  ['free', { type: 'object' }],
  ['patch', { type: 'object', merge: 'deep' }],
  [
    'o',
    {
      type: 'object',
      fields: [
        ['i', { type: 'integer' }],
        ['s', { type: 'string' }],
        ['free', { type: 'object' }],
        [
          'o',
          {
            type: 'object',
            fields: [
              ['b', { type: 'boolean' }],
              ['as', { type: 'array', of: 'string' }],
            ],
          },
        ],
      ],
    },
  ],
  [
    'deep',
    {
      type: 'object',
      merge: 'deep',
      fields: [
        ['i', { type: 'integer' }],
        ['free', { type: 'object' }],
        ['o', { type: 'object', fields: [['b', { type: 'boolean' }]] }],
      ],
    },
  ],
  ['__proto__', { type: 'string' }],
  ['a "quoted\\name" é', { type: 'string' }],
]

interface Filtered {
  set: string
  deep: string | undefined
  remove: string | undefined
  dropped: string[]
  mismatches: string[]
  unstorables: string[]
}

/** What the filter makes of a payload: a code, or its columns with the escapes of COPY undone. */
function filter(payload: string | Uint8Array, schema: Fields = fields): RejectionCode | Filtered {
  const bytes = typeof payload === 'string' ? encoder.encode(payload) : payload
  const filter = new PayloadFilter(schema)
  const isPlain = !bytes.some((byte) => byte < 0x20 || byte === 0x5c)
  const code = filter.read(bytes, 0, bytes.length, isPlain)
  if (code !== undefined) return code
  filter.plan.count()
  const column = (write: (to: ByteWriter) => unknown) => {
    const to = new ByteWriter(0)
    const unescaped = new ByteWriter(0)
    write(to)
    const escaped = to.written
    expect(escaped.some((byte) => byte < 0x20)).toBe(false)
    writeUnescaped(unescaped, escaped, 0, escaped.length)
    return decoder.decode(unescaped.written)
  }
  const tallies = fieldTallies(filter.plan)
  return {
    set: column((to) => filter.writeSet(to)),
    deep: column((to) => filter.writeDeep(to)) || undefined,
    remove: column((to) => filter.writeRemove(to)) || undefined,
    dropped: Object.keys(tallies.droppedFields).sort(),
    mismatches: Object.keys(tallies.typeMismatches),
    unstorables: Object.keys(tallies.unstorableValues),
  }
}

/** The same out of the reference, in one form for both. */
function comparable(filtered: RejectionCode | Filtered) {
  if (typeof filtered === 'string') return filtered
  const canonicalText = (text: string | undefined) => text && canonical(parse(encoder.encode(text))!)
  return {
    ...filtered,
    set: canonicalText(filtered.set),
    deep: canonicalText(filtered.deep),
    remove:
      filtered.remove &&
      [...filtered.remove.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, name]) => name!.replace(/\\(.)/g, '$1')).sort(),
    mismatches: filtered.mismatches.sort(),
    unstorables: filtered.unstorables.sort(),
  }
}

function expected(bytes: Uint8Array) {
  const result = filterPayload(bytes, fields)
  if (typeof result === 'string') return result
  const object = (members: Map<string, Json>) => canonical({ kind: 'object', members: [...members] })
  const shown = (name: string) =>
    name.replaceAll('\0', '\\u0000').replace(/\p{Surrogate}/gu, (unit) => `\\u${unit.charCodeAt(0).toString(16)}`)
  return {
    set: object(result.set),
    deep: result.deep.size === 0 ? undefined : object(result.deep),
    remove: result.remove.size === 0 ? undefined : [...result.remove].sort(),
    dropped: [...new Set([...result.dropped].map(shown))].sort(),
    mismatches: [...result.mismatches].sort(),
    unstorables: [...result.unstorables].sort(),
  }
}

const nothing = { set: '{}', deep: undefined, remove: undefined, dropped: [], mismatches: [], unstorables: [] }

describe('§3 what is kept of a payload', () => {
  test.each<[string, string, Partial<Filtered>]>([
    ['nothing', '{}', {}],
    [
      'numbers exactly as written',
      '{"n":0.10,"i":9007199254740993,"s":1e400}',
      { set: '{"s":"1e400","n":0.10,"i":9007199254740993}' },
    ],
    ['white space apart', ' { "b" : true , "s" : " a " } ', { set: '{"s":" a ","b":true}' }],
    [
      'a field outside the schema is dropped and counted',
      '{"x":1,"s":"a","x":{}}',
      { set: '{"s":"a"}', dropped: ['x'] },
    ],
    ['a name with another case is another name', '{"S":"a"}', { dropped: ['S'] }],
    ['an escaped key is the same key', '{"\\u0073":"a"}', { set: '{"s":"a"}' }],
    [
      '__proto__ is a plain key',
      '{"__proto__":"a","constructor":1}',
      { set: '{"__proto__":"a"}', dropped: ['constructor'] },
    ],
    ['a name of any characters', '{"a \\"quoted\\\\name\\" \\u00e9":"x"}', { set: '{"a \\"quoted\\\\name\\" é":"x"}' }],
    [
      'null removes',
      '{"s":null,"a \\"quoted\\\\name\\" é":null,"x":null}',
      { remove: '{"s","a \\"quoted\\\\name\\" é"}', dropped: ['x'] },
    ],
    ['the last of duplicate keys wins', '{"i":"x","s":null,"i":1,"s":"a"}', { set: '{"s":"a","i":1}' }],
    [
      'the last wins, also if it is null or a mismatch',
      '{"i":1,"s":"a","i":"x","s":null}',
      { remove: '{"s"}', mismatches: ['i'] },
    ],
    [
      'only the last of duplicate objects is counted',
      '{"o":{"x":1,"i":"x"},"o":{"y":1}}',
      { set: '{"o":{}}', dropped: ['o.y'] },
    ],
    ['a mismatch drops the field alone', '{"i":1.5,"s":"a"}', { set: '{"s":"a"}', mismatches: ['i'] }],
    [
      'an array is converted item by item',
      '{"as":[ "a" , 1.0,true, "\\u00e9"],"ai":["1",2.0,3e0],"at":["2024-01-01",0]}',
      {
        set: '{"as":["a","1.0","true","\\u00e9"],"ai":[1,2,3],"at":["2024-01-01T00:00:00Z","1970-01-01T00:00:00Z"]}',
      },
    ],
    [
      'an array with one bad item is a mismatch as a whole',
      '{"as":["a",null],"ai":[1,"x",[]],"at":[]}',
      { set: '{"at":[]}', mismatches: ['as', 'ai'] },
    ],
    [
      'an array is no scalar, a scalar no array',
      '{"s":[],"as":"a","o":[],"free":"{}","i":{}}',
      { mismatches: ['s', 'i', 'as', 'free', 'o'] },
    ],
    [
      'a free object is kept whole',
      '{"free":{ "a" : null,"a":[ 1e400,{}],"":"\\u0061"}}',
      { set: '{"free":{ "a" : null,"a":[ 1e400,{}],"":"\\u0061"}}' },
    ],
    [
      'an object with fields is filtered',
      '{"o":{"i":"7","s":null,"x":1,"o":{"b":"y","z":0,"as":[null]},"free":{"q":null}}}',
      {
        set: '{"o":{"i":7,"free":{"q":null},"o":{"b":true}}}',
        dropped: ['o.o.z', 'o.x'],
        mismatches: ['o.o.as'],
      },
    ],
    [
      'a deep merge keeps nulls',
      '{"deep":{"i":null,"x":null,"o":{"b":null},"free":{"q":null}},"patch":{"a":{"b":null}}}',
      {
        deep: '{"patch":{"a":{"b":null}},"deep":{"i":null,"free":{"q":null},"o":{"b":null}}}',
        dropped: ['deep.x'],
      },
    ],
    ['null removes an object that is merged', '{"deep":null,"o":null}', { remove: '{"o","deep"}' }],
    ['an empty patch is a patch', '{"deep":{}}', { deep: '{"deep":{}}' }],
  ])('%s', (_, payload, filtered) => expect(filter(payload)).toEqual({ ...nothing, ...filtered }))
})

describe('§2 unstorable_value', () => {
  test.each<[string, string, Partial<Filtered>]>([
    ['NUL or half a surrogate pair in a string', '{"s":"\\u0000","as":["a","\\ud800"]}', { unstorables: ['s', 'as'] }],
    ['a number that is too long', '{"n":1e131072,"free":{"a":[1e-16384]}}', { unstorables: ['n', 'free'] }],
    ['in a key', '{"free":{"a":{"\\u0000":1}},"patch":{"\\udc00":1}}', { unstorables: ['free', 'patch'] }],
    [
      'inside an object with fields the inner field alone',
      '{"o":{"s":"\\u0000","i":1,"free":{"\\u0000":1}}}',
      { set: '{"o":{"i":1}}', unstorables: ['o.s', 'o.free'] },
    ],
    [
      'also where a later duplicate hides it from readers, but not from jsonb',
      '{"free":{"a":"\\u0000","a":1}}',
      { unstorables: ['free'] },
    ],
    [
      'a field outside the schema is only dropped',
      '{"x":"\\u0000","a\\u0000":1,"o":{"\\ud800":"\\u0000"}}',
      {
        set: '{"o":{}}',
        dropped: ['a\\u0000', 'o.\\ud800', 'x'],
      },
    ],
    [
      'what is no value of the type is a mismatch',
      '{"i":1e200000,"t":"\\u0000","ai":["\\u0000"],"as":["\\u0000",null]}',
      { mismatches: ['i', 't', 'as', 'ai'] },
    ],
    ['the next field is not concerned', '{"free":{"\\u0000":1},"s":"a"}', { set: '{"s":"a"}', unstorables: ['free'] }],
  ])('%s', (_, payload, filtered) => expect(filter(payload)).toEqual({ ...nothing, ...filtered }))
})

describe('§2 PAYLOAD: limits, in this order: invalid, too large, too many keys, too deep', () => {
  const sized = (bytes: number) => `{"s":"${'é'.repeat(10)}${'a'.repeat(bytes - 28)}"}`
  const keys = (count: number) => Array.from({ length: count }, (_, i) => `"k${i}":0`)
  const nested = (levels: number) => `{"free":${'{"a":'.repeat(levels - 2)}[]${'}'.repeat(levels - 2)}}`
  const mebibyte = 1_048_576
  test.each<[string, string, RejectionCode | undefined]>([
    ['1 MiB', sized(mebibyte), undefined],
    ['1 MiB and a byte', sized(mebibyte + 1), 'payload_too_large'],
    ['white space counts', `${sized(mebibyte)} `, 'payload_too_large'],
    ['250 keys', `{${keys(250)}}`, undefined],
    ['251 keys', `{${keys(251)}}`, 'too_many_fields'],
    ['250 keys, each twice', `{${keys(250)},${keys(250)}}`, undefined],
    ['251 keys of the schema and others', `{"s":"a",${keys(250)}}`, 'too_many_fields'],
    ['250 keys, one written in another way', `{${keys(250)},"\\u006b0":1}`, undefined],
    ['any number of keys further down', `{"free":{${keys(251)}},"o":{${keys(251)}}}`, undefined],
    ['100 levels', nested(99), undefined],
    ['100 levels exactly', nested(100).replace('[]', '0'), undefined],
    ['101 levels', nested(101), 'payload_too_deep'],
    ['101 levels outside the schema', `{"x":${'['.repeat(100)}${']'.repeat(100)}}`, 'payload_too_deep'],
    ['100 levels outside the schema', `{"x":${'['.repeat(99)}${']'.repeat(99)}}`, undefined],
    ['a million levels', `{"x":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`, 'payload_too_large'],
    ['half a million levels, never closed', `{"x":${'['.repeat(500_000)}`, 'invalid_payload'],
    ['half a million levels', `{"free":${'['.repeat(500_000)}${']'.repeat(500_000)}}`, 'payload_too_deep'],
    ['large and invalid', `${sized(mebibyte + 1)}x`, 'payload_too_large'],
    [
      'large, wide and deep',
      `{"x":${'['.repeat(101)}${']'.repeat(101)},${keys(251)},"s":"${'a'.repeat(mebibyte)}"}`,
      'payload_too_large',
    ],
    ['wide and deep', `{"x":${'['.repeat(101)}${']'.repeat(101)},${keys(251)}}`, 'too_many_fields'],
    ['wide and invalid behind it', `{${keys(300)},}`, 'invalid_payload'],
    ['a BOM', '\ufeff{}', 'invalid_payload'],
    ['an array', '[]', 'invalid_payload'],
    ['blanks', ' ', 'invalid_payload'],
  ])('%s', (_, payload, code) => {
    const filtered = filter(payload)
    if (code === undefined) expect(filtered).toBeTypeOf('object')
    else expect(filtered).toBe(code)
  })
})

test('§3 an array that would grow without measure by its conversion is a mismatch', () => {
  expect(filter(`{"ai":[${Array(150_000).fill('1e999').join()}]}`)).toEqual({ ...nothing, mismatches: ['ai'] })
})

test('names outside the schema are counted once a payload, however many there are', () => {
  const filter = new PayloadFilter([['o', { type: 'object', fields: [] }]])
  for (const half of [0, 1]) {
    const names = Array.from({ length: 20_000 }, (_, i) => `"x${i + half * 10_000}":0,"x${i + half * 10_000}":1`)
    const bytes = encoder.encode(`{"o":{${names}}}`)
    expect(filter.read(bytes, 0, bytes.length, true)).toBeUndefined()
    filter.plan.count()
  }
  const counts = Object.entries(fieldTallies(filter.plan).droppedFields)
  expect(counts).toHaveLength(1001)
  expect(counts.at(-1)![0]).toBe('…')
  expect(counts.reduce((sum, [, count]) => sum + count, 0)).toBe(40_000)
})

describe('the filter agrees with the reference', { timeout: 60_000 }, () => {
  const digits = (max: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${max}}$`))
  const number = fc.oneof(
    fc.constantFrom(
      '0',
      '-0',
      '1',
      '1.0',
      '-1.5',
      '0.10',
      '1e999',
      '1e1000',
      '1e131071',
      '1e131072',
      '0e-16384',
      '5e-16384',
      '1e99999999999',
      '1709168523.25',
      '-0.5',
      '86400',
      '01',
      '1.',
      '-',
      '+1',
    ),
    fc
      .tuple(
        fc.constantFrom('', '-'),
        digits(20),
        fc.option(digits(12)),
        fc.option(fc.tuple(fc.constantFrom('e', 'E', 'e+', 'e-'), digits(6))),
      )
      .map(
        ([sign, whole, fraction, exponent]) =>
          `${sign}${whole.replace(/^0+(?=\d)/, '')}${fraction === null ? '' : `.${fraction}`}${exponent === null ? '' : exponent.join('')}`,
      ),
  )
  const escaped = (text: string) =>
    [...text].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')
  const string = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 8 }).map((text) => JSON.stringify(text)),
    fc.string({ unit: 'binary-ascii', maxLength: 6 }).map((text) => JSON.stringify(text)),
    number.map((text) => `" ${text}"`),
    fc.constantFrom(
      '"\\u0000"',
      '"\\ud800"',
      '"\\udc00"',
      '"\\ud83d\\ude00"',
      '"\\uD83D\\u0041"',
      '" Yes"',
      '"true"',
      '"2024-02-29"',
      '"2024-02-29T23:59:60Z"',
      '"2024-02-30"',
      '"2024-02-29 10:00:00.50+0530"',
      '"0001-01-01T00:00:00+00:01"',
      '"\\x"',
      '"',
    ),
  )
  const key = fc.oneof(
    {
      weight: 8,
      arbitrary: fc
        .constantFrom(
          ...new Set(
            fields.flatMap(([name, field]) => [
              name,
              ...(field.type === 'object' ? (field.fields ?? []).map(([inner]) => inner) : []),
            ]),
          ),
        )
        .map((name) => JSON.stringify(name)),
    },
    { weight: 1, arbitrary: fc.constantFrom('s', 'i', 'o', 'deep', 'free').map((name) => `"${escaped(name)}"`) },
    { weight: 1, arbitrary: fc.constantFrom('"x"', '"constructor"', '"toString"', '"\\u0000"', '"\\ud800"', '""') },
    { weight: 1, arbitrary: string },
  )
  const blank = fc.oneof(
    { weight: 9, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: fc.constantFrom(' ', '\n', '\t', '\r\n', '\u00a0') },
  )
  const { object } = fc.letrec<{ value: string; object: string }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'medium', withCrossShrink: true },
      fc.constantFrom('null', 'true', 'false'),
      number,
      string,
      fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join()}]`),
      tie('object'),
    ),
    object: fc
      .tuple(fc.array(fc.tuple(key, tie('value'), blank), { maxLength: 8 }), blank)
      .map(
        ([members, end]) =>
          `{${members.map(([name, value, space]) => `${space}${name}${space}:${space}${value}${space}`).join()}${end}}`,
      ),
  }))

  test('on objects of every form', () => {
    fc.assert(
      fc.property(object, (text) => {
        const bytes = encoder.encode(text)
        expect(comparable(filter(bytes))).toEqual(expected(bytes))
      }),
      { numRuns: 1000 },
    )
  })

  test('on objects with some bytes changed', () => {
    const edit = fc.tuple(
      fc.nat(),
      fc.oneof(fc.nat(255), fc.constantFrom(...encoder.encode('{}[]",:\\0-e.u \n'))),
      fc.constantFrom('replace', 'insert', 'remove'),
    )
    fc.assert(
      fc.property(object, fc.array(edit, { minLength: 1, maxLength: 3 }), (text, edits) => {
        const bytes = [...encoder.encode(text)]
        for (const [place, byte, kind] of edits) {
          const at = place % (bytes.length + 1)
          bytes.splice(at, kind === 'insert' ? 0 : 1, ...(kind === 'remove' ? [] : [byte]))
        }
        const payload = Uint8Array.from(bytes)
        expect(comparable(filter(payload))).toEqual(expected(payload))
      }),
      { numRuns: 1000 },
    )
  })

  test('on wide and deep objects', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 240, max: 260 }),
        fc.integer({ min: 0, max: 12 }),
        fc.integer({ min: 95, max: 105 }),
        fc.constantFrom('free', 'o', 'x', 'as', 'patch'),
        (wide, twice, deep, name) => {
          const names = Array.from({ length: wide }, (_, i) => `"k${i < twice ? 0 : i}":${i}`)
          const bytes = encoder.encode(`{${names},"${name}":${'{"o":['.repeat(deep >> 1)}1${']}'.repeat(deep >> 1)}}`)
          expect(comparable(filter(bytes))).toEqual(expected(bytes))
        },
      ),
    )
  })

  test('one filter for many payloads is as good as one for each', () => {
    fc.assert(
      fc.property(fc.array(object, { maxLength: 6 }), (texts) => {
        const filter = new PayloadFilter(fields)
        const columns = (filter: PayloadFilter, bytes: Uint8Array) => {
          const code = filter.read(bytes, 0, bytes.length, false)
          if (code !== undefined) return code
          const to = new ByteWriter(0)
          filter.writeSet(to)
          filter.writeDeep(to)
          filter.writeRemove(to)
          return decoder.decode(to.written)
        }
        for (const text of texts) {
          const bytes = encoder.encode(text)
          expect(columns(filter, bytes)).toBe(columns(new PayloadFilter(fields), bytes))
        }
      }),
    )
  })
})
