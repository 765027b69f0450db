import { expect, test } from 'vitest'
import { indentedJson } from './indentedJson.ts'

test('a line for each member; numbers, text and order as they stand', () => {
  const json = String.raw`{"n": 12345678901234567890.10, "t": "a {b}, \"c\": [\\", "e": {}, "l": [], "o": {"x": [1, true, null]}}`
  const text = indentedJson(json)
  expect(text).toBe(String.raw`{
  "n": 12345678901234567890.10,
  "t": "a {b}, \"c\": [\\",
  "e": {},
  "l": [],
  "o": {
    "x": [
      1,
      true,
      null
    ]
  }
}`)
  expect(JSON.parse(text)).toEqual(JSON.parse(json))
})
