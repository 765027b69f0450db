import { expect, test } from 'vitest'
import { table } from './table.ts'

test('columns are aligned, numbers to the right, control characters spelled out, nothing shown as a dash', () => {
  const text = table(
    ['ID', 'ROWS', 'NOTE'],
    [
      ['a', 1, null],
      ['bé\u0007c', 12_345, 'x'],
      ['d', null, ''],
    ],
  )
  expect(text.split('\n')).toEqual([
    'ID           ROWS  NOTE',
    'a               1  –',
    'bé\\u0007c  12,345  x',
    'd               –',
    '',
  ])
})
