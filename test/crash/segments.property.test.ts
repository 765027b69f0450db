import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Fields } from '@sluice/core/schema/accountSchema'
import { openStage } from '@sluice/stage/openStage'
import type { WorkerDependencies } from '@sluice/worker/createActivities'
import { openFilterPool } from '@sluice/worker/filter/filterPool'
import fc from 'fast-check'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeOn } from '../servers/address.ts'
import { applyOneByOne, type OracleAccount, type OracleRow } from '../store/accountOracle.ts'
import { storeWith } from '../store/storeUnderTest.ts'
import { checkBooks, readFinalState } from './finalState.ts'
import { type Chance, type ModelledRow, type RunSettings, runToTheEnd } from './modelledRun.ts'

const describeOnPostgres = await describeOn('postgres')
const numRuns = Number(process.env.CRASH_CASES ?? 200)
const seed = process.env.CRASH_SEED === undefined ? Date.now() % 2 ** 31 : Number(process.env.CRASH_SEED)

const fields: Fields = [
  ['a', { type: 'string' }],
  ['b', { type: 'string' }],
  ['deep', { type: 'object', merge: 'deep' }],
]
const scalar = fc.constantFrom('x', 'y', null)
const payload = fc.record(
  {
    a: scalar,
    b: scalar,
    deep: fc.dictionary(fc.constantFrom('p', 'q'), fc.oneof(scalar, fc.dictionary(fc.constantFrom('s', 'u'), scalar)), {
      maxKeys: 2,
    }),
  },
  { requiredKeys: [] },
)
/** `second`: of the minute; the rows of one run lie close together, so that many share a timestamp. */
const row = (seconds: { min: number; max: number }): fc.Arbitrary<ModelledRow> =>
  fc.record({
    t: fc.integer(seconds).map((second) => `2026-01-01 00:00:${second}.000000`),
    id: fc.constantFrom('1', '2', '3', '4'),
    name: fc.constantFrom('N', 'M'),
    kind: fc.oneof(
      { weight: 8, arbitrary: payload.map((fields) => ({ fields })) },
      { weight: 2, arbitrary: fc.constant({ deleted: true as const }) },
      { weight: 1, arbitrary: fc.constantFrom('[]', '{', '{"a":') },
    ),
  })

const earliestNow = 14
const settings: fc.Arbitrary<RunSettings> = fc.record({
  batchRows: fc.integer({ min: 1, max: 5 }),
  batchBytes: fc.constantFrom(60, 1000),
  batchesPerSegment: fc.integer({ min: 1, max: 4 }),
  window: fc.integer({ min: 1, max: 3 }),
  chunkRows: fc.integer({ min: 1, max: 7 }),
  /** The source's clock: rows at or after it do not end a segment. */
  nowSecond: fc.constantFrom(earliestNow, 59),
})

/** Rows that came late are seen if they lie no further back than this, or at the watermark itself. */
const phases = fc
  .record({
    lookbackSeconds: fc.constantFrom(0, 0, 3),
    rows: fc.tuple(
      fc.array(row({ min: 10, max: 16 }), { minLength: 1, maxLength: 16, size: 'max' }),
      fc.array(row({ min: 0, max: 6 }), { maxLength: 6 }),
      fc.array(row({ min: 0, max: 6 }), { maxLength: 6 }),
    ),
  })
  .map(({ lookbackSeconds, rows }) => {
    let latest = 0
    const at = (row: ModelledRow) => Number(row.t.slice(17, 19))
    return {
      lookbackSeconds,
      rows: rows.map((rows, phase) => {
        const earliest = latest - lookbackSeconds
        const shifted = phase === 0 ? rows : rows.map((row) => ({ ...row, t: second(earliest + at(row)) }))
        latest = Math.max(latest, ...shifted.map(at))
        return shifted
      }),
    }
  })

function second(of: number): string {
  return `2026-01-01 00:00:${String(of).padStart(2, '0')}.000000`
}

describeOnPostgres('§4, §5: any batching, segment length and window, any crash between two steps', () => {
  let folder: string
  let dependencies: WorkerDependencies
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-segments-'))
    const stageUri = pathToFileURL(path.join(folder, 'stage')).href
    dependencies = {
      store: await storeWith(fields, 'crm'),
      stage: openStage(stageUri),
      filterPool: openFilterPool({ stageUri }),
      log: pino({ level: 'silent' }),
      env: {},
      window: 3,
      batchesPerSegment: 200,
    }
  })
  afterAll(async () => {
    await dependencies?.filterPool.close()
    await dependencies?.store.end()
    if (folder) await rm(folder, { recursive: true, force: true })
  })

  test(`ends as one row after the other would; late rows at the watermark and within lookback too (seed ${seed})`, {
    timeout: 3_600_000,
  }, async () => {
    const { store } = dependencies
    await fc.assert(
      fc.asyncProperty(
        phases,
        fc.array(settings, { minLength: 1, maxLength: 3 }),
        fc.array(fc.integer({ min: 1, max: 100 }), { maxLength: 150, size: 'max' }),
        async ({ lookbackSeconds, rows }, settings, throws) => {
          await store.query(`truncate sluice.account, sluice.quarantine, sluice.watermark, sluice.run cascade;
            update sluice.usage set accounts = 0, bytes = 0; update sluice.sync set active_run = null`)
          let thrown = 0
          const chance: Chance = (percent) => (throws[thrown++] ?? 100) <= percent
          const source: ModelledRow[] = []
          let terminated = 0
          for (const [phase, more] of rows.entries()) {
            source.push(...more)
            terminated += await runToTheEnd(dependencies, source, {
              ...settings[phase % settings.length]!,
              lookbackMs: lookbackSeconds * 1000,
              chance,
              damage: (uri) => rm(fileURLToPath(uri)),
            })
          }

          const expected = new Map<string, OracleAccount>()
          const good = source.flatMap(({ t, id, name, kind }): OracleRow[] =>
            typeof kind === 'string' ? [] : ['fields' in kind ? { t, id, name, fields: kind.fields } : { t, id, name }],
          )
          applyOneByOne(expected, good, false)
          const state = await readFinalState(store)
          // A row that is applied again may be the one that made the account what it is: then its own time stands.
          const again = terminated > 0 || rows.slice(1).some((rows) => rows.length > 0)
          const comparable = (accounts: OracleAccount[]) =>
            accounts.map(({ updated_at, ...account }) => (again ? account : { ...account, updated_at }))
          expect(comparable(state.accounts)).toEqual(
            comparable([...expected.values()].sort((x, y) => (x.id < y.id ? -1 : 1))),
          )

          const bad = source.filter(({ kind }) => typeof kind === 'string')
          // §2: at or after the source's clock, the time does not tell one rejected row from another.
          const key = (row: { id: string | null; updated_at: string | null; payload: string | null }) =>
            `${row.id} ${row.updated_at! < second(earliestNow) ? row.updated_at : ''} ${row.payload}`
          expect(new Set(state.quarantine.map(key))).toEqual(
            new Set(bad.map(({ id, t, kind }) => key({ id, updated_at: t, payload: kind as string }))),
          )
          const latest = source
            .map(({ t }) => t)
            .sort()
            .at(-1)!
          expect(state.watermark).toEqual({
            updated_at: latest,
            rows_at_updated_at: source.filter(({ t }) => t === latest).length,
          })
          await checkBooks(store, { sync: 'crm', stageFolder: path.join(folder, 'stage') })
        },
      ),
      { numRuns, seed },
    )
    expect(await readdir(path.join(folder, 'stage/crm'))).toEqual([])
  })
})
