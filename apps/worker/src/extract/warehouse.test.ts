import { SluiceError } from '@sluice/core/faults'
import type { ReadRequest, SourceFacts, WarehouseSource } from '@sluice/core/source/warehouseSource'
import { describe, expect, test } from 'vitest'
import { type ExtractUnderTest, extractUnderTest } from './extractUnderTest.ts'
import { extractWarehouse, type WarehouseExtract } from './warehouse.ts'

const at = (second: number) => `2026-01-01 00:00:${String(second).padStart(2, '0')}.000000`
const now = '2026-02-01 00:00:00.000000'
const facts: SourceFacts = { object: 'table t', columns: [], timestampDigits: 6, now }

interface FakeSource {
  rows: [updatedAt: string, id: string][]
  requests: ReadRequest[]
  left: number
  breakAfter?: number
  countAt?: (updatedAt: string) => number
}

/** Rows in chunks of two. */
function fakeSource(fake: FakeSource): WarehouseSource {
  return {
    async *check() {},
    describe: async () => facts,
    countAt: async (updatedAt) =>
      fake.countAt?.(updatedAt) ?? fake.rows.filter(([stamp]) => stamp === updatedAt).length,
    async *read(request) {
      fake.requests.push(request)
      const { from } = request
      const rows = fake.rows.filter(
        ([stamp]) => from === undefined || stamp > from.updatedAt || (from.inclusive && stamp === from.updatedAt),
      )
      try {
        for (let i = 0; i < rows.length; i += 2) {
          if (i >= (fake.breakAfter ?? Number.POSITIVE_INFINITY)) throw new SluiceError('query_timeout')
          yield Buffer.from(
            rows
              .slice(i, i + 2)
              .map(([stamp, id]) => `${stamp}+00\t${id}\tN\t{}\tf\n`)
              .join(''),
          )
        }
      } finally {
        fake.left++
      }
    },
    close: async () => {},
  }
}

async function extract(
  rows: FakeSource['rows'],
  options: Parameters<typeof extractUnderTest>[0] & {
    definition?: Partial<WarehouseExtract['definition']>
    source?: Partial<FakeSource>
  } = {},
) {
  const fake: FakeSource = { rows, requests: [], left: 0, ...options.source }
  const under: ExtractUnderTest = extractUnderTest(options)
  const result = await extractWarehouse({
    input: under.input,
    definition: {
      batch: { rows: 3, bytes: 1 << 20 },
      lookbackMs: 0,
      limits: { rowsPerRun: 1e9, queryTimeoutMs: 1000, retryForMs: 1 },
      ...options.definition,
    },
    source: fakeSource(fake),
    facts,
    claim: under.claim,
    sender: under.sender,
    signal: new AbortController().signal,
  })
  return { ...under, ...fake, result, rowsOffered: under.rows() }
}

const rows: FakeSource['rows'] = [
  [at(1), 'a'],
  [at(1), 'b'],
  [at(2), 'c'],
  [at(3), 'd'],
  [at(4), 'e'],
]

describe('§5: where a segment begins', () => {
  test('a first run reads all, also what lies outside every watermark', async () => {
    const { requests, rowsOffered, result } = await extract(rows)
    expect(requests).toEqual([{ withoutTimestamp: true, queryTimeoutMs: 1000 }])
    expect(rowsOffered).toEqual(['a b c', 'd e'])
    expect(result).toEqual({ end: 'exhausted', warnings: [] })
  })

  test('after the watermark', async () => {
    const { requests, rowsOffered } = await extract(rows, { input: { from: { updatedAt: at(2), rowsAtUpdatedAt: 1 } } })
    expect(requests[0]).toMatchObject({ from: { updatedAt: at(2), inclusive: false }, withoutTimestamp: true })
    expect(rowsOffered).toEqual(['d e'])
  })

  test('a tie at the watermark is read again if its number of rows is another', async () => {
    const { requests, offers } = await extract(rows, { input: { from: { updatedAt: at(1), rowsAtUpdatedAt: 1 } } })
    expect(requests[0]).toMatchObject({ from: { updatedAt: at(1), inclusive: true } })
    expect(offers[0]).toMatchObject({ boundary: { updatedAt: at(2) } })
  })

  test('lookback reads so much before the watermark, in the opening only', async () => {
    const options = { input: { from: { updatedAt: at(4), rowsAtUpdatedAt: 1 } }, definition: { lookbackMs: 2000 } }
    expect((await extract(rows, options)).requests[0]).toMatchObject({ from: { updatedAt: at(2), inclusive: true } })
    const next = await extract(rows, { ...options, input: { ...options.input, opening: false } })
    expect(next.requests[0]).toMatchObject({ from: { updatedAt: at(4), inclusive: false }, withoutTimestamp: false })
  })

  test('a later attempt goes on from the last boundary offered, and counts its batches on', async () => {
    const claim = { nextBatch: 4, resumeFrom: { updatedAt: at(3), rowsAtUpdatedAt: 1 }, rowsOffered: 4 }
    const { requests, offers } = await extract(rows, { claim, definition: { lookbackMs: 60_000 } })
    expect(requests[0]).toMatchObject({ from: { updatedAt: at(3), inclusive: false }, withoutTimestamp: false })
    expect(offers.map(({ batch }) => batch)).toEqual([4])
  })
})

describe('the end of a segment', () => {
  test('after so many batches, at a boundary', async () => {
    const { result, rowsOffered, left } = await extract(rows, { input: { batchesMax: 1 } })
    expect(result.end).toBe('segment')
    expect(rowsOffered).toEqual(['a b c'])
    expect(left).toBe(1)
  })

  test('not inside a timestamp', async () => {
    const all = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((id): [string, string] => [at(1), id])
    const { result, rowsOffered } = await extract([...all, [at(2), 'h'], [at(3), 'i'], [at(4), 'j'], [at(5), 'k']], {
      input: { batchesMax: 1 },
    })
    expect(rowsOffered).toEqual(['a b c', 'd e f', 'g h i'])
    expect(result.end).toBe('segment')
  })

  test("§5: not at or after the source's clock: a volatile view is one segment", async () => {
    const view = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((id): [string, string] => [now, id])
    const { result, rowsOffered, offers } = await extract(view, {
      input: { batchesMax: 1 },
      source: { countAt: () => 0 },
    })
    expect(rowsOffered).toEqual(['a b c', 'd e f', 'g'])
    expect(offers.at(-1)!.boundary).toEqual({ updatedAt: now, rowsAtUpdatedAt: 7 })
    expect(result).toMatchObject({ end: 'exhausted', warnings: [{ code: 'volatile_updated_at' }] })
  })

  test('batches of a segment that cannot end grow, so that 2,000 offers hold hundreds of millions of rows', async () => {
    const view = Array.from({ length: 60 }, (_, i): [string, string] => [now, `${i}`])
    const { offers } = await extract(view, {
      input: { batchesMax: 1 },
      definition: { batch: { rows: 1, bytes: 1000 } },
    })
    expect(offers.map(({ ref }) => ref.rows)).toEqual([1, 1, 1, 2, 2, 2, 4, 4, 4, 8, 8, 8, 8, 7])
  })

  test('a stop ends the query at the source', async () => {
    const { result, rowsOffered, left } = await extract(rows, {
      stopAt: 0,
      definition: { batch: { rows: 1, bytes: 100 } },
    })
    expect(result.end).toBe('stopped')
    expect(rowsOffered).toEqual([])
    expect(left).toBe(1)
  })

  test('a stop in answer to the last batch is a stop: it was not taken', async () => {
    expect((await extract(rows, { stopAt: 1 })).result.end).toBe('stopped')
  })
})

describe('§7: limits', () => {
  test.each([
    [5, 'exhausted', ['a b c', 'd e']],
    [4, 'rows_limit', ['a b c', 'd']],
    [3, 'rows_limit', ['a b c']],
    [1, 'rows_limit', ['a']],
    [0, 'rows_limit', []],
  ])('%i rows a run', async (rowsMax, end, offered) => {
    const { result, rowsOffered } = await extract(rows, { input: { rowsMax } })
    expect(result.end).toBe(end)
    expect(rowsOffered).toEqual(offered)
  })

  test('no rows are no limit', async () => {
    expect((await extract([], { input: { rowsMax: 0 } })).result.end).toBe('exhausted')
  })

  test('a query that takes too long leaves the timestamps that ended', async () => {
    const { result, rowsOffered } = await extract(rows, { source: { breakAfter: 4 } })
    expect(result.end).toBe('query_timeout')
    expect(rowsOffered).toEqual(['a b c'])
  })
})

describe('§5: warnings', () => {
  test('UPDATED_AT in the future, once', async () => {
    const { result } = await extract(
      [...rows, ['2030-01-01 00:00:00.000000', 'x'], ['2031-01-01 00:00:00.000000', 'y']],
      { definition: { batch: { rows: 1, bytes: 1000 } } },
    )
    expect(result.warnings).toEqual([{ code: 'future_updated_at', sentence: expect.stringContaining('2030-01-01') }])
  })

  test('rows written just now, which stay where they are, are neither', async () => {
    expect((await extract([...rows, [now, 'x']])).result.warnings).toEqual([])
  })
})
