import { expect, test } from 'vitest'
import { nearest } from './nearest.ts'

test.each([
  ['lokback', 'lookback'],
  ['LOOKBACK', 'lookback'],
  ['bacth', 'batch'],
  ['conection', 'connection'],
  ['zebra', undefined],
  ['', undefined],
])('%j is near %j', (word, expected) => {
  expect(nearest(word, ['connection', 'lookback', 'batch', 'limits'])).toBe(expected)
})
