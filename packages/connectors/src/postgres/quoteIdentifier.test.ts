import { expect, test } from 'vitest'
import { quoteIdentifier, splitName } from './quoteIdentifier.ts'

test.each<[string, string[]]>([
  ['accounts', ['accounts']],
  ['crm.public.accounts', ['crm', 'public', 'accounts']],
  ['"a.b".c', ['a.b', 'c']],
  ['a."b.c"', ['a', 'b.c']],
  ['"say ""hi"""', ['say "hi"']],
  ['My Table', ['My Table']],
  [' a . b ', [' a ', ' b ']],
  ['select', ['select']],
  ['é账😀', ['é账😀']],
  ['t; DROP TABLE x; --', ['t; DROP TABLE x; --']],
  ["t' OR '1'='1", ["t' OR '1'='1"]],
  ['a\nb', ['a\nb']],
  ['back\\slash', ['back\\slash']],
  ['"a"".b"', ['a".b']],
  ['x'.repeat(63), ['x'.repeat(63)]],
])('interfaces §2 a name splits at dots that are not quoted: %j', (text, parts) => {
  expect(splitName(text)).toEqual(parts)
})

test.each([
  ['', 'empty part'],
  ['a..b', 'empty part'],
  ['.a', 'empty part'],
  ['a.', 'empty part'],
  ['a.""', 'empty part'],
  ['"a', 'not closed'],
  ['"a"b', 'text right behind'],
  ['"a" .b', 'text right behind'],
  ['"a""', 'not closed'],
  ['a"b', 'quote inside'],
  ['a.b"', 'quote inside'],
  ['a\0b', 'NUL'],
  ['x'.repeat(64), '63 bytes'],
  ['é'.repeat(32), '63 bytes'],
])('a name that is none is refused: %j', (text, words) => {
  expect(() => splitName(text)).toThrow(words)
})

test.each([
  ['a', '"a"'],
  ['a"b', '"a""b"'],
  ['""', '""""""'],
  ['a"; DROP TABLE x; --', '"a""; DROP TABLE x; --"'],
])('a quoted name is one identifier whatever it holds: %j', (name, quoted) => {
  expect(quoteIdentifier(name)).toBe(quoted)
  expect(splitName(quoted)).toEqual([name])
})
