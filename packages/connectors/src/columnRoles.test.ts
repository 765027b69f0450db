import { expect, test } from 'vitest'
import { matchColumns } from './columnRoles.ts'

test('§2 columns are matched without regard to case; those of other names are ignored', () => {
  expect(matchColumns(['id', 'Updated_At', 'x', 'NAME'])).toEqual({ id: 'id', updated_at: 'Updated_At', name: 'NAME' })
  // Letters that some rules of case would take for an I or a K.
  expect(matchColumns(['id', 'updated_at', 'ıd', 'İD'])).toEqual({ id: 'id', updated_at: 'updated_at' })
})

test.each([
  [['id', 'name'], 'column_missing', 'There is no UPDATED_AT; the columns are "id", "name".'],
  [[], 'column_missing', 'There is no UPDATED_AT and no ID; the columns are none at all.'],
  [Array.from({ length: 60 }, (_, n) => `c${n}`), 'column_missing', '"c49" and 10 more.'],
  [['id', 'updated_at', 'Name', 'NAME'], 'column_ambiguous', 'NAME is there as "Name", "NAME".'],
  [['id', 'updated_at', 'id'], 'column_ambiguous', 'ID is there as "id", "id".'],
])('§2 columns that are missing or there twice are told: %j', (names, code, words) => {
  expect(() => matchColumns(names)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(words) }))
})
