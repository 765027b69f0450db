import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Batch, Batcher, type Cut } from './batcher.ts'

interface Row {
  at: string
  id: string
  deleted?: boolean | string
}

const line = ({ at, id, deleted = false }: Row) =>
  `${at}\t${id}\tname\t{}\t${typeof deleted === 'string' ? deleted : deleted ? 't' : 'f'}\n`

function batchesOf(cuts: Cut[], ended = true): Batch[] {
  const batches: Batch[] = []
  const aside: Batch[] = []
  for (const cut of cuts) {
    if (cut.kind === 'batch') batches.push(cut.batch)
    else if (cut.kind === 'aside') aside.push(cut.batch)
    else batches.push(...aside.splice(0))
  }
  if (ended) expect(aside).toEqual([])
  return batches
}

function run(
  rows: Row[],
  options: { rowsMax?: number; bytesMax?: number; chunkRows?: number; ended?: boolean } = {},
): Cut[] {
  const { rowsMax = 1000, bytesMax = 1 << 20, chunkRows = 1000, ended = false } = options
  const batcher = new Batcher({ rowsMax, bytesMax, timestampDigits: 3 })
  const cuts: Cut[] = []
  for (let i = 0; i < rows.length; i += chunkRows)
    cuts.push(
      ...batcher.push(
        Buffer.from(
          rows
            .slice(i, i + chunkRows)
            .map(line)
            .join(''),
        ),
      ),
    )
  cuts.push(...(ended ? batcher.finishEnded() : batcher.finish()))
  return cuts
}

const text = (batch: Batch) => Buffer.concat(batch.pieces).toString()
const ids = (batch: Batch) =>
  text(batch)
    .split('\n')
    .slice(0, -1)
    .map((row) => row.split('\t')[1])
    .join('')
const second = (n: number) => `2026-01-01 00:00:${String(n).padStart(2, '0')}+00`
const exact = (n: number) => `2026-01-01 00:00:${String(n).padStart(2, '0')}.000`
const rowsOf = (groups: string) =>
  groups
    .split(' ')
    .flatMap((group, index) => [...group].map((id) => ({ at: second(index), id, deleted: id === id.toUpperCase() })))

describe('§5: a batch ends where a timestamp ends, if one does', () => {
  // One group of letters a timestamp; upper case is a deletion.
  test.each([
    ['ab c de', 3, 'abc/1 de/2'],
    ['ab cd ef', 3, 'ab/0 cd/1 ef/2'],
    ['a bcd', 3, 'a/0 bcd/1'],
    ['abcdefg', 3, 'abc def g/0'],
    ['a bcdefg h', 3, 'a/0 bcd efg/1 h/2'],
    ['abc d', 3, 'abc/0 d/1'],
    ['abc def', 1, 'a b c/0 d e f/1'],
  ])('%s, %i rows a batch: %s', (groups, rowsMax, expected) => {
    for (const chunkRows of [1, 2, 100]) {
      const batches = batchesOf(run(rowsOf(groups), { rowsMax, chunkRows }))
      const got = batches
        .map((batch) => ids(batch) + (batch.boundary ? `/${Number(batch.boundary.updatedAt.slice(17, 19))}` : ''))
        .join(' ')
      expect(got).toBe(expected)
    }
  })

  test('the boundary tells how many rows stand at its timestamp, whatever batches they are in', () => {
    const batches = batchesOf(run(rowsOf('a bcdefg h'), { rowsMax: 3 }))
    expect(batches.map(({ boundary }) => boundary)).toEqual([
      { updatedAt: exact(0), rowsAtUpdatedAt: 1 },
      undefined,
      { updatedAt: exact(1), rowsAtUpdatedAt: 6 },
      { updatedAt: exact(2), rowsAtUpdatedAt: 1 },
    ])
    expect(batches.map(({ firstUpdatedAt, lastUpdatedAt }) => [firstUpdatedAt, lastUpdatedAt])).toEqual([
      [exact(0), exact(0)],
      [exact(1), exact(1)],
      [exact(1), exact(1)],
      [exact(2), exact(2)],
    ])
  })

  test('bytes cut as rows do, and one row always fits', () => {
    const bytes = line(rowsOf('a')[0]!).length
    expect(batchesOf(run(rowsOf('ab cd e'), { bytesMax: bytes * 3 })).map(ids)).toEqual(['ab', 'cde'])
    expect(batchesOf(run(rowsOf('ab c'), { bytesMax: 1 })).map(ids)).toEqual(['a', 'b', 'c'])
  })

  test('a source that breaks off leaves only what is whole', () => {
    expect(batchesOf(run(rowsOf('ab cd ef'), { ended: true })).map(ids)).toEqual(['abcd'])
    expect(batchesOf(run(rowsOf('ab'), { ended: true }))).toEqual([])
  })

  test('no rows, no batches', () => {
    expect(run([])).toEqual([])
  })

  test('rows that do not ascend are a fault of the source', () => {
    const rows = [
      { at: second(2), id: 'a' },
      { at: second(1), id: 'b' },
    ]
    expect(() => run(rows, { rowsMax: 1 })).toThrow('ascending')
  })
})

describe('§2: rows outside every watermark make batches of their own, without a boundary', () => {
  test('NULL, infinity, BC and years after 9999', () => {
    const stamps = ['\\N', '\\N', 'infinity', '0001-01-01 00:00:00+00 BC', '10000-01-01 00:00:00+00']
    const rows = [...stamps.map((at, index) => ({ at, id: String(index), deleted: true })), ...rowsOf('ab')]
    const batches = batchesOf(run(rows, { rowsMax: 3 }))
    expect(batches.map(ids)).toEqual(['012', '34', 'ab'])
    expect(batches.map(({ boundary }) => boundary?.rowsAtUpdatedAt)).toEqual([undefined, undefined, 2])
    expect(batches[0]).not.toHaveProperty('firstUpdatedAt')
  })
})

describe('§4: among the rows of one timestamp a deletion comes last', () => {
  test.each([
    ['aBc De', 10, 'acBeD/1'],
    ['aBc De', 3, 'acB/0 eD/1'],
    // More deletions than a batch holds are set aside until their timestamp ends.
    ['ABCDEfg', 3, 'fg ABC DE/0'],
    ['x ABCDEfg y', 3, 'x/0 fg ABC DEy/2'],
    ['ABCDEF', 3, 'ABC DEF/0'],
    ['aB', 1, 'a B/0'],
    ['A B C', 2, 'AB/1 C/2'],
  ])('%s, %i rows a batch: %s', (groups, rowsMax, expected) => {
    for (const chunkRows of [1, 2, 100]) {
      const batches = batchesOf(run(rowsOf(groups), { rowsMax, chunkRows }))
      const got = batches
        .map((batch) => ids(batch) + (batch.boundary ? `/${Number(batch.boundary.updatedAt.slice(17, 19))}` : ''))
        .join(' ')
      expect(got).toBe(expected)
    }
  })

  test.each(['t', 'true', 'TRUE ', ' yes', 'Y', '1', 'T', '\\ttrue'])('DELETED %j is a deletion', (deleted) => {
    const rows = [
      { at: second(0), id: 'a', deleted },
      { at: second(0), id: 'b' },
    ]
    expect(batchesOf(run(rows)).map(ids)).toEqual(['ba'])
  })

  test.each(['f', 'false', '', '\\N', '0', 'no', 'nonsense', '\\\\N'])('DELETED %j is none', (deleted) => {
    const rows = [
      { at: second(0), id: 'a', deleted },
      { at: second(0), id: 'b' },
    ]
    expect(batchesOf(run(rows)).map(ids)).toEqual(['ab'])
  })
})

describe('properties', () => {
  const groups = fc.array(fc.array(fc.boolean(), { minLength: 1, maxLength: 9 }), { maxLength: 12 })
  const source = groups.map((all) => {
    let id = 0
    return all.flatMap((group, index) => group.map((deleted) => ({ at: second(index), id: `${id++};`, deleted })))
  })

  test('any chunking and any size of batch yields every row once, in order of effect, with true boundaries', () => {
    fc.assert(
      fc.property(
        source,
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 400 }),
        (rows, rowsMax, chunkRows, bytesMax) => {
          const batches = batchesOf(run(rows, { rowsMax, chunkRows, bytesMax }))
          const expected = [...new Set(rows.map(({ at }) => at))].flatMap((at) => {
            const group = rows.filter((row) => row.at === at)
            return [...group.filter((row) => !row.deleted), ...group.filter((row) => row.deleted)]
          })
          expect(batches.map(text).join('')).toBe(expected.map(line).join(''))
          let done = 0
          for (const batch of batches) {
            const lines = text(batch).split('\n').slice(0, -1)
            expect(batch.rows).toBe(lines.length)
            expect(batch.bytes).toBe(text(batch).length)
            expect(batch.rows).toBeLessThanOrEqual(rowsMax)
            expect(batch.rows === 1 || batch.bytes <= bytesMax).toBe(true)
            expect(batch.firstUpdatedAt).toBe(lines[0]!.split('\t')[0]!.replace('+00', '.000'))
            expect(batch.lastUpdatedAt).toBe(lines.at(-1)!.split('\t')[0]!.replace('+00', '.000'))
            done += batch.rows
            // A boundary stands exactly where a timestamp ends.
            const ends = done === expected.length || expected[done]!.at !== expected[done - 1]!.at
            expect(batch.boundary !== undefined).toBe(ends)
            if (batch.boundary) {
              expect(batch.boundary.updatedAt).toBe(batch.lastUpdatedAt)
              expect(batch.boundary.rowsAtUpdatedAt).toBe(rows.filter(({ at }) => at === expected[done - 1]!.at).length)
            }
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  test('what is kept when the source breaks off is a prefix that ends with a timestamp', () => {
    fc.assert(
      fc.property(source, fc.integer({ min: 1, max: 7 }), (rows, rowsMax) => {
        const whole = batchesOf(run(rows, { rowsMax })).map(text).join('')
        const kept = batchesOf(run(rows, { rowsMax, ended: true }), false)
        expect(whole.startsWith(kept.map(text).join(''))).toBe(true)
      }),
      { numRuns: 200 },
    )
  })
})
