import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalTimestamp, compareTimestamps, subtractMs } from './sourceTimestamp.ts'

describe('§5 a timestamp is kept as exact text at the full precision of the source', () => {
  test.each([
    ['2024-02-29 01:02:03.5+00', 6, '2024-02-29 01:02:03.500000'],
    ['2024-02-29 01:02:03', 6, '2024-02-29 01:02:03.000000'],
    ['2024-02-29 01:02:03+00', 0, '2024-02-29 01:02:03'],
    ['2024-02-29 01:02:03.123456789', 9, '2024-02-29 01:02:03.123456789'],
    ['2024-02-29 01:02:03.123456789', 6, '2024-02-29 01:02:03.123456789'],
    ['2024-02-29T01:02:03.1Z', 3, '2024-02-29 01:02:03.100'],
    ['0001-01-01 00:00:00+00:00', 3, '0001-01-01 00:00:00.000'],
    ['9999-12-31 23:59:59.999999', 6, '9999-12-31 23:59:59.999999'],
  ])('%s with %i digits is %s', (text, digits, canonical) => {
    expect(canonicalTimestamp(text, digits)).toBe(canonical)
    expect(canonicalTimestamp(canonical, digits)).toBe(canonical)
  })
})

describe('§2 UPDATED_AT: only a finite timestamp of years 1 to 9999', () => {
  test.each([
    'infinity',
    '-infinity',
    '0044-03-15 12:00:00 BC',
    '0044-03-15 12:00:00+00 BC',
    '0000-01-01 00:00:00',
    '10000-01-01 00:00:00',
    '2023-02-29 00:00:00',
    '1900-02-29 00:00:00',
    '2024-13-01 00:00:00',
    '2024-01-01 24:00:00',
    '2024-01-01 00:60:00',
    '2024-01-01 00:00:60',
    '2024-01-01 00:00:00.',
    '2024-01-01 00:00:00+01',
    '2024-01-01 00:00:00-00',
    '2024-01-01 00:00:00+00:0',
    '2024-01-01 00:00:00Zx',
    '2024-01-01 00:00',
    '2024-01-01',
    'x024-01-01 00:00:00',
    '2024-01-01 00:00:0é',
    '',
  ])('%s is none', (text) => expect(canonicalTimestamp(text, 6)).toBeUndefined())
})

describe('§5 timestamps of other lengths compare as times', () => {
  test.each([
    ['2024-01-01 00:00:00', '2024-01-01 00:00:00.000', 0],
    ['2024-01-01 00:00:00.1', '2024-01-01 00:00:00.09', 1],
    ['2024-01-01 00:00:00.123456', '2024-01-01 00:00:00.123456001', -1],
    ['0999-01-01 00:00:00', '1000-01-01 00:00:00', -1],
  ])('%s against %s', (a, b, sign) => {
    expect(Math.sign(compareTimestamps(a, b))).toBe(sign)
    expect(Math.sign(compareTimestamps(b, a))).toBe(sign === 0 ? 0 : -sign)
  })
})

describe('§5 lookback: an exact span before the watermark', () => {
  test.each([
    ['2024-03-01 00:00:00.000456', 1, '2024-02-29 23:59:59.999456'],
    ['2024-03-01 00:00:00', 600_000, '2024-02-29 23:50:00'],
    ['2024-03-01 00:00:00', 1, '2024-02-29 23:59:59.999'],
    ['2024-01-01 00:00:00.123456789', 31_536_000_000, '2023-01-01 00:00:00.123456789'],
    ['0001-01-01 00:00:05.000000', 600_000, '0001-01-01 00:00:00.000000'],
    ['2024-03-01 00:00:00.5', 0, '2024-03-01 00:00:00.5'],
  ])('%s less %i ms is %s', (text, ms, earlier) => expect(subtractMs(text, ms)).toBe(earlier))

  test('agrees with Date where Date is exact', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 253_402_300_799_999 }),
        fc.integer({ min: 0, max: 100_000_000_000 }),
        fc.integer({ min: 0, max: 999_999 }),
        (ms, span, below) => {
          fc.pre(ms >= span)
          const text = (at: number) =>
            new Date(at).toISOString().replace('T', ' ').replace('Z', String(below).padStart(6, '0'))
          expect(subtractMs(text(ms), span)).toBe(text(ms - span))
        },
      ),
    )
  })
})
