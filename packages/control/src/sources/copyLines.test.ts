import { expect, test } from 'vitest'
import { parseCopyLines } from './copyLines.ts'

test.each([
  ['', []],
  ['a\tb\n', [['a', 'b']]],
  ['\\N\t\n', [[null, '']]],
  ['a\\tb\tc\\\\N\td\\ne\n', [['a\tb', 'c\\N', 'd\ne']]],
  ['1\n2\n', [['1'], ['2']]],
])('COPY text %j', (text, expected) => {
  expect(parseCopyLines(new TextEncoder().encode(text))).toEqual(expected)
})
