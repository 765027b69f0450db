import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JsonScanner } from '../payload/jsonScanner.ts'
import { asString, asWritten, mismatch, storedValue, unstorable } from '../payload/scalarValue.ts'
import type { ScalarType } from '../schema/accountSchema.ts'

const encoder = new TextEncoder()

/** What is stored of a JSON text under a type: a JSON text, or the word for why nothing is. */
function stored(type: ScalarType, json: string): string {
  const bytes = encoder.encode(json)
  const scanner = new JsonScanner()
  scanner.open(bytes, 0, bytes.length)
  const kind = scanner.kind()!
  expect(scanner.value(1) && scanner.pos === bytes.length).toBe(true)
  const value = storedValue(type, { kind, bytes, start: 0, end: bytes.length, unstorable: scanner.unstorable })
  if (value === asWritten) return json
  if (value === asString) return `"${json}"`
  if (value === mismatch) return 'mismatch'
  if (value === unstorable) return 'unstorable'
  return value
}

function table(type: ScalarType, rows: readonly (readonly [json: string, stored: string])[]): void {
  const short = (text: string) => (text.length > 60 ? `${text.slice(0, 20)}… (${text.length} characters)` : text)
  test.each(rows.map(([json, expected]) => [short(json), short(expected), json, expected] as const))(
    `%s → %s`,
    (_, __, json, expected) => expect(stored(type, json)).toBe(expected),
  )
  test.each(['null', '{}', '[]', '[1]'])('%s → mismatch', (json) => expect(stored(type, json)).toBe('mismatch'))
}

const zeros = (count: number) => '0'.repeat(count)
const nines = (count: number) => '9'.repeat(count)

describe('§3 string: a number is its text, a boolean its word', () => {
  table('string', [
    ['""', '""'],
    ['" é\\u0041 "', '" é\\u0041 "'],
    ['0.10', '"0.10"'],
    ['-1E+400', '"-1E+400"'],
    ['9007199254740993', '"9007199254740993"'],
    ['true', '"true"'],
    ['false', '"false"'],
    // As text it can be stored.
    ['1e200000', '"1e200000"'],
    ['"\\u0000"', 'unstorable'],
    ['"\\ud800"', 'unstorable'],
    ['"\\udc00\\ud800"', 'unstorable'],
    ['"\\ud800\\u0041"', 'unstorable'],
    ['"\\ud83d\\ud83d\\ude00"', 'unstorable'],
    ['"\\ud83d\\ude00"', '"\\ud83d\\ude00"'],
    ['"\\\\u0000"', '"\\\\u0000"'],
  ])
})

describe('§3 number: as written, or out of a string that is one', () => {
  table('number', [
    ['0.10', '0.10'],
    ['-0', '-0'],
    ['9007199254740993', '9007199254740993'],
    ['1e400', '1e400'],
    ['" \\t1.50E3\\n"', '1.50E3'],
    ['"\\u0031"', '1'],
    ['""', 'mismatch'],
    ['" "', 'mismatch'],
    ['"+1"', 'mismatch'],
    ['"01"', 'mismatch'],
    ['"1."', 'mismatch'],
    ['".5"', 'mismatch'],
    ['"1 2"', 'mismatch'],
    ['"0x10"', 'mismatch'],
    ['"Infinity"', 'mismatch'],
    ['"NaN"', 'mismatch'],
    ['"1,5"', 'mismatch'],
    ['"\\u00a01"', 'mismatch'],
    ['true', 'mismatch'],
    ['1e131071', '1e131071'],
    ['1e131072', 'unstorable'],
    ['"1e131072"', 'unstorable'],
    [nines(131_072), nines(131_072)],
    [nines(131_073), 'unstorable'],
    [`0.${nines(16_383)}`, `0.${nines(16_383)}`],
    [`0.${nines(16_384)}`, 'unstorable'],
    ['1e-16383', '1e-16383'],
    ['1.5e-16383', 'unstorable'],
    ['0e1000000', '0e1000000'],
    ['0e-16384', 'unstorable'],
    ['0e9999999999', 'unstorable'],
    [`0.${zeros(20_000)}1e3618`, `0.${zeros(20_000)}1e3618`],
    [`0.${zeros(20_000)}1e3617`, 'unstorable'],
    ['1e99999999999999999999', 'unstorable'],
    ['1e-99999999999999999999', 'unstorable'],
  ])
})

describe('§3 integer: a number of integer value, without fraction and exponent', () => {
  table('integer', [
    ['74', '74'],
    ['74.0', '74'],
    ['7.4e1', '74'],
    ['-7.40E+1', '-74'],
    ['7400e-2', '74'],
    ['0.074e3', '74'],
    ['-0', '0'],
    ['-0.0e5', '0'],
    ['0e99999999999999999999', '0'],
    ['100', '100'],
    ['9007199254740993', '9007199254740993'],
    ['9007199254740993.000', '9007199254740993'],
    ['" 7.4e1 "', '74'],
    ['"74"', '74'],
    ['7.45e1', 'mismatch'],
    ['0.5', 'mismatch'],
    ['1e-1', 'mismatch'],
    ['"1,000"', 'mismatch'],
    ['"2013 (1888)"', 'mismatch'],
    ['"0x10"', 'mismatch'],
    ['false', 'mismatch'],
    ['1e999', `1${zeros(999)}`],
    ['1e1000', 'mismatch'],
    [nines(1000), nines(1000)],
    [`-${nines(1000)}`, `-${nines(1000)}`],
    [nines(1001), 'mismatch'],
    [`1${zeros(200_000)}e-200000`, '1'],
    ['1e999999999', 'mismatch'],
    ['1e-999999999', 'mismatch'],
    ['1e99999999999999999999', 'mismatch'],
  ])

  test('equals the number, digit by digit', () => {
    const digits = fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n })
    fc.assert(
      fc.property(digits, fc.nat(30), fc.nat(30), (value, places, shift) => {
        const text = String(value)
        const sign = text.startsWith('-') ? '-' : ''
        const padded = text.replace('-', '').padStart(places + 1, '0')
        const point = padded.length - places
        const number = `${sign}${padded.slice(0, point)}${places > 0 ? '.' : ''}${padded.slice(point)}e${shift}`
        const scaled = value * 10n ** BigInt(shift)
        const unit = 10n ** BigInt(places)
        expect(stored('integer', number)).toBe(scaled % unit === 0n ? String(scaled / unit) : 'mismatch')
      }),
    )
  })
})

describe('§3 boolean: a word in any case with blanks around it, or 1 or 0', () => {
  table('boolean', [
    ['true', 'true'],
    ['false', 'false'],
    ...['true', 'T', 'yes', 'Y', '1', ' TRUE ', '\\tYes\\n'].map((word) => [`"${word}"`, 'true'] as const),
    ...['false', 'F', 'no', 'N', '0', ' FALSE ', '\\u006e'].map((word) => [`"${word}"`, 'false'] as const),
    ['1', 'true'],
    ['1.0', 'true'],
    ['10e-1', 'true'],
    ['0', 'false'],
    ['-0.0e7', 'false'],
    ['2', 'mismatch'],
    ['-1', 'mismatch'],
    ['0.5', 'mismatch'],
    ['"1.0"', 'mismatch'],
    ['"on"', 'mismatch'],
    ['""', 'mismatch'],
    ['" "', 'mismatch'],
    ['"t rue"', 'mismatch'],
    ['1e999999999', 'mismatch'],
  ])
})

describe('§3 datetime: ISO 8601 or Unix seconds, stored in UTC with the fraction as given', () => {
  table('datetime', [
    ['"2024-02-29T01:02:03Z"', '"2024-02-29T01:02:03Z"'],
    ['"2024-02-29T01:02:03.120Z"', '"2024-02-29T01:02:03.120Z"'],
    ['"2024-02-29T01:02:03.123456789Z"', '"2024-02-29T01:02:03.123456789Z"'],
    ['"2024-02-29 01:02:03"', '"2024-02-29T01:02:03Z"'],
    ['"2024-02-29T01:02"', '"2024-02-29T01:02:00Z"'],
    ['"2024-02-29 01:02Z"', '"2024-02-29T01:02:00Z"'],
    ['"2024-02-29"', '"2024-02-29T00:00:00Z"'],
    ['"2024-03-01T00:30:00+01:00"', '"2024-02-29T23:30:00Z"'],
    ['"2024-02-29T23:30:00.5-0130"', '"2024-03-01T01:00:00.5Z"'],
    ['"2024-02-29T05:30:00+5:30"', '"2024-02-29T00:00:00Z"'],
    ['"2024-02-29T00:00:00-00:00"', '"2024-02-29T00:00:00Z"'],
    ['"2024-02-29T00:00:00,25Z"', '"2024-02-29T00:00:00.25Z"'],
    ['"2024-02-29\\u005401:02:03Z"', '"2024-02-29T01:02:03Z"'],
    ['"0001-01-01T00:00:00Z"', '"0001-01-01T00:00:00Z"'],
    ['"9999-12-31T23:59:59.999999999Z"', '"9999-12-31T23:59:59.999999999Z"'],
    // Leap seconds.
    ['"2016-12-31T23:59:60Z"', '"2017-01-01T00:00:00Z"'],
    ['"2016-12-31T23:59:60.5Z"', '"2017-01-01T00:00:00.5Z"'],
    ['"2017-01-01T05:29:60+05:30"', '"2017-01-01T00:00:00Z"'],
    ['"2017-01-01T12:30:60Z"', 'mismatch'],
    ['"9999-12-31T23:59:60Z"', 'mismatch'],
    // Impossible or outside.
    ['"2023-02-29T00:00:00Z"', 'mismatch'],
    ['"2023-02-30"', 'mismatch'],
    ['"1900-02-29"', 'mismatch'],
    ['"2000-02-29"', '"2000-02-29T00:00:00Z"'],
    ['"2024-04-31"', 'mismatch'],
    ['"2024-13-01"', 'mismatch'],
    ['"2024-00-01"', 'mismatch'],
    ['"2024-01-00"', 'mismatch'],
    ['"2024-01-01T24:00:00Z"', 'mismatch'],
    ['"2024-01-01T25:00:00Z"', 'mismatch'],
    ['"2024-01-01T00:60:00Z"', 'mismatch'],
    ['"2024-01-01T00:00:61Z"', 'mismatch'],
    ['"2024-01-01T00:00:00+24:00"', 'mismatch'],
    ['"2024-01-01T00:00:00+01:60"', 'mismatch'],
    ['"0000-12-31T00:00:00Z"', 'mismatch'],
    ['"0001-01-01T00:00:00+00:01"', 'mismatch'],
    ['"9999-12-31T23:59:59-00:01"', 'mismatch'],
    // Other forms.
    ['"2024-01-01T00:00:00.1234567890Z"', 'mismatch'],
    ['"2024-01-01T00:00:00.Z"', 'mismatch'],
    ['"2024-01-01T00:00.5Z"', 'mismatch'],
    ['"2024-01-01t00:00:00z"', 'mismatch'],
    ['"2024-01-01T00:00:00+01"', 'mismatch'],
    ['"2024-01-01Z"', 'mismatch'],
    ['"2024-01-01T"', 'mismatch'],
    ['"2024-1-1"', 'mismatch'],
    ['" 2024-01-01"', 'mismatch'],
    ['"01/02/2024"', 'mismatch'],
    ['"yesterday"', 'mismatch'],
    ['""', 'mismatch'],
    ['"٢٠٢٤-01-01"', 'mismatch'],
    // Unix seconds.
    ['0', '"1970-01-01T00:00:00Z"'],
    ['-0', '"1970-01-01T00:00:00Z"'],
    ['1709168523', '"2024-02-29T01:02:03Z"'],
    ['1709168523.120', '"2024-02-29T01:02:03.120Z"'],
    ['"1709168523.5"', '"2024-02-29T01:02:03.5Z"'],
    ['" 1709168523 "', '"2024-02-29T01:02:03Z"'],
    ['-1', '"1969-12-31T23:59:59Z"'],
    ['-1.250', '"1969-12-31T23:59:58.750Z"'],
    ['-1.0', '"1969-12-31T23:59:59.0Z"'],
    ['-0.000000001', '"1969-12-31T23:59:59.999999999Z"'],
    ['-62135596800', '"0001-01-01T00:00:00Z"'],
    ['-62135596800.5', 'mismatch'],
    ['253402300799.999999999', '"9999-12-31T23:59:59.999999999Z"'],
    ['253402300800', 'mismatch'],
    ['1709168523000', 'mismatch'],
    ['1.1234567890', 'mismatch'],
    ['1e9', 'mismatch'],
    ['"1e9"', 'mismatch'],
    ['"+1"', 'mismatch'],
    ['1e999999999', 'mismatch'],
    ['true', 'mismatch'],
  ])

  test('agrees with Date where Date is exact', () => {
    const time = fc.integer({ min: -62_135_596_800, max: 253_402_300_799 })
    fc.assert(
      fc.property(time, fc.integer({ min: -1439, max: 1439 }), (second, offset) => {
        const iso = (at: number) => new Date(at * 1000).toISOString().replace('.000', '')
        expect(stored('datetime', String(second))).toBe(`"${iso(second)}"`)
        const local = second + offset * 60
        fc.pre(local >= -62_135_596_800 && local <= 253_402_300_799)
        const sign = offset < 0 ? '-' : '+'
        const hours = String(Math.floor(Math.abs(offset) / 60)).padStart(2, '0')
        const minutes = String(Math.abs(offset) % 60).padStart(2, '0')
        const text = iso(local).replace('Z', `${sign}${hours}:${minutes}`)
        expect(stored('datetime', `"${text}"`)).toBe(`"${iso(second)}"`)
      }),
    )
  })
})

describe('§3 date: a date, or a datetime at exactly midnight UTC', () => {
  table('date', [
    ['"2024-02-29"', '"2024-02-29"'],
    ['"2024-02-29T00:00:00.000Z"', '"2024-02-29"'],
    ['"2024-02-29 02:00+02:00"', '"2024-02-29"'],
    ['"2016-12-31T23:59:60Z"', '"2017-01-01"'],
    ['1709164800', '"2024-02-29"'],
    ['"2024-02-29T00:00:00.001Z"', 'mismatch'],
    ['"2024-02-29T01:00:00Z"', 'mismatch'],
    ['"2023-02-29"', 'mismatch'],
    ['"0000-01-01"', 'mismatch'],
    ['"10000-01-01"', 'mismatch'],
    ['1709164801', 'mismatch'],
    ['true', 'mismatch'],
  ])
})

describe('a text of a mebibyte is not slow', () => {
  const length = 1_048_576
  const texts = {
    digits: '1'.repeat(length),
    blanks: ' '.repeat(length),
    'blanks inside': `1${' '.repeat(length)}1`,
    'zeros after the point': `0.${zeros(length)}1`,
    'zeros in the exponent': `1e${zeros(length)}1`,
    'a date and digits': `2024-01-01T00:00:00.${zeros(length)}`,
    words: 'true'.repeat(length / 4),
  }
  test.each(Object.entries(texts))('%s', (_, text) => {
    const start = performance.now()
    for (const type of ['string', 'number', 'integer', 'boolean', 'datetime', 'date'] as const) {
      stored(type, `"${text}"`)
      if (/^\d/.test(text) && !/[ T]/.test(text)) stored(type, text)
    }
    expect(performance.now() - start).toBeLessThan(2000)
  })
})
