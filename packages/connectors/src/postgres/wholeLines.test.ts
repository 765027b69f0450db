import { expect, test } from 'vitest'
import { countLines, wholeLines } from './wholeLines.ts'

async function linesOf(...chunks: (string | Buffer)[]): Promise<string[]> {
  async function* source() {
    for (const chunk of chunks) yield Buffer.from(chunk)
  }
  const found: string[] = []
  for await (const lines of wholeLines(source())) found.push(lines.toString())
  return found
}

test.each<[string[], string[]]>([
  [[], []],
  [['a\nb\n'], ['a\nb\n']],
  [
    ['a\nb', '\nc\n'],
    ['a\n', 'b\nc\n'],
  ],
  [['a', 'b', 'c\n'], ['abc\n']],
  [
    ['a\n', 'b\n'],
    ['a\n', 'b\n'],
  ],
])('chunks are cut at their last line feed: %j', async (chunks, lines) => {
  expect(await linesOf(...chunks)).toEqual(lines)
})

test('a character that lies in two chunks stays whole', async () => {
  const text = Buffer.from('é\n')
  expect(await linesOf(text.subarray(0, 1), text.subarray(1))).toEqual(['é\n'])
})

test('text that is not UTF-8 is a fault of the source', async () => {
  await expect(linesOf(Buffer.from('a\n\xe9\n', 'latin1'))).rejects.toMatchObject({ code: 'source_data_error' })
})

test('lines are counted', () => {
  expect([Buffer.from('a\nb\n'), Buffer.from('\n'), Buffer.from('')].map(countLines)).toEqual([2, 1, 0])
})
