import { accountJson, exportAccounts, listAccounts, readAccount } from '@sluice/account-store/accounts'
import { commitWatermark } from '@sluice/account-store/commitWatermark'
import { readDeployment, readSchema, writeDeployment } from '@sluice/account-store/deployment'
import { finishRun } from '@sluice/account-store/finishRun'
import { claimSync, readLease } from '@sluice/account-store/lease'
import { migrate, storeVersion } from '@sluice/account-store/migrate'
import { listQuarantine } from '@sluice/account-store/quarantine'
import { listRuns, readRun } from '@sluice/account-store/runs'
import { readUsage, recountUsage } from '@sluice/account-store/usage'
import { readWatermark } from '@sluice/account-store/watermarks'
import { filterBatch } from '@sluice/core/filter/filterBatch'
import type { RunIdentity } from '@sluice/core/run/runIdentity'
import type { RowCounts } from '@sluice/core/run/runReport'
import type { Fields } from '@sluice/core/schema/accountSchema'
import type pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { describeOn } from '../servers/address.ts'
import { applyFiltered, hash, rawRows, startRun, storeWith, syncDefinition } from './storeUnderTest.ts'

const describeOnPostgres = await describeOn('postgres')

const fields: Fields = [
  ['region', { type: 'string' }],
  ['revenue', { type: 'number' }],
  ['tags', { type: 'array', of: 'string' }],
  ['retention', { type: 'object', merge: 'deep' }],
]
type Row = Parameters<typeof rawRows>[0][number]

describeOnPostgres('the account store', () => {
  let pool: pg.Pool
  let run: RunIdentity
  let batch: number
  beforeEach(async () => {
    pool = await storeWith(fields, 's', 'other')
    run = await startRun(pool, 's')
    batch = 0
  })
  afterEach(() => pool.end())

  const filtered = (rows: Row[], schemaFields = fields, version = 1) =>
    filterBatch(rawRows(rows), {
      schema: { version, fields: schemaFields },
      onTypeMismatch: 'drop_field',
      order: 'timestamp',
      timestampDigits: 6,
      hash,
    })
  const apply = (...rows: Row[]) => applyFiltered(pool, run, { batch: batch++ }, filtered(rows))
  const counts = async (): Promise<RowCounts> => (await readRun(pool, run.runId))!.rows
  const only = (counts: Partial<RowCounts>): RowCounts => ({
    read: 0,
    created: 0,
    updated: 0,
    unchanged: 0,
    deleted: 0,
    ignored: 0,
    merged: 0,
    rejected: 0,
    ...counts,
  })
  const attributes = async (id: string): Promise<unknown> => {
    const account = await readAccount(pool, id)
    return account && JSON.parse(account.attributesJson)
  }
  const at = (second: number): string => `2026-01-01 00:00:${String(second).padStart(2, '0')}.000000`
  const upsert = (second: number, id: string, payload: object, name = 'Acme'): Row => ({
    t: at(second),
    id,
    name,
    payload: JSON.stringify(payload),
  })
  const remove = (second: number, id: string): Row => ({ t: at(second), id, deleted: 'true' })

  test('§4 payload fields are added to or update the stored attributes; an absent field is left; null removes', async () => {
    await apply(upsert(1, '1', { region: 'eu', revenue: 1.5, tags: ['a', 'b'] }))
    await apply(upsert(2, '1', { region: 'us', revenue: null, tags: ['c'] }))
    expect(await attributes('1')).toEqual({ region: 'us', tags: ['c'] })
    expect((await readAccount(pool, '1'))?.updatedAt).toBe(at(2))
    expect(await counts()).toEqual(only({ read: 2, created: 1, updated: 1 }))
  })

  test('§3 merge: deep merges key by key at every level, and an inner null removes', async () => {
    await apply(upsert(1, '1', { retention: { a: { x: 1, y: 2 }, b: 1, c: null } }))
    expect(await attributes('1')).toEqual({ retention: { a: { x: 1, y: 2 }, b: 1 } })
    await apply(upsert(2, '1', { retention: { a: { y: null, z: 3 }, b: [1] } }))
    expect(await attributes('1')).toEqual({ retention: { a: { x: 1, z: 3 }, b: [1] } })
  })

  test('§4 DELETED removes the account with all its attributes; of an absent id it is ignored; a later upsert starts from empty attributes', async () => {
    await apply(upsert(1, '1', { region: 'eu', revenue: 1 }))
    await apply(remove(2, '1'), remove(2, '2'))
    expect(await readAccount(pool, '1')).toBeUndefined()
    await apply(upsert(3, '1', { revenue: 2 }))
    expect(await attributes('1')).toEqual({ revenue: 2 })
    expect(await counts()).toEqual(only({ read: 4, created: 2, deleted: 1, ignored: 1 }))
  })

  const a = upsert(1, '1', { region: 'eu' })
  const b = upsert(2, '1', { revenue: 1 })
  test.each<[string, Row[], Row[], Partial<RowCounts>, unknown]>([
    ['two upserts of an absent account', [], [a, b], { created: 1, merged: 1 }, { region: 'eu', revenue: 1 }],
    [
      'two upserts of an account',
      [upsert(0, '1', { tags: ['t'] })],
      [a, b],
      { updated: 1, merged: 1 },
      { tags: ['t'], region: 'eu', revenue: 1 },
    ],
    ['two upserts that change nothing', [a, b], [a, b], { unchanged: 1, merged: 1 }, { region: 'eu', revenue: 1 }],
    ['an upsert, then a delete', [], [a, remove(2, '1')], { ignored: 1, merged: 1 }, undefined],
    ['an upsert of an account, then a delete', [b], [a, remove(2, '1')], { deleted: 1, merged: 1 }, undefined],
    [
      'a delete, then an upsert: from empty attributes',
      [a],
      [remove(1, '1'), b],
      { updated: 1, merged: 1 },
      { revenue: 1 },
    ],
    ['a delete at the same time as an upsert wins', [], [remove(1, '1'), a], { ignored: 1, merged: 1 }, undefined],
    ['three rows', [a], [remove(1, '1'), b, upsert(3, '1', { revenue: 2 })], { updated: 1, merged: 2 }, { revenue: 2 }],
  ])('§4 several rows for one id in one batch: %s', async (_, before, rows, expected, state) => {
    // Each in a batch of its own.
    for (const row of before) await apply(row)
    const old = await counts()
    await apply(...rows)
    const now = await counts()
    const difference = Object.fromEntries(
      Object.entries(now).map(([key, rows]) => [key, rows - old[key as keyof RowCounts]]),
    )
    expect(difference).toEqual(only({ read: rows.length, ...expected }))
    expect(await attributes('1')).toEqual(state)
    expect(await readUsage(pool)).toEqual(await recountUsage(pool))
  })

  test('§4 a row that changes nothing costs no write and does not touch synced_at', async () => {
    const rows = [upsert(1, '1', { region: 'eu' }), upsert(1, '2', { revenue: 1 })]
    const versions = async () =>
      (await pool.query('select id, xmin::text, xmax::text, synced_at from sluice.account order by id')).rows
    await apply(...rows)
    const before = await versions()
    // The same change again, with a later UPDATED_AT; the same content by another change; a part of it.
    await apply(...rows.map((row) => ({ ...row, t: at(5) })))
    await apply(upsert(6, '1', { region: 'eu', tags: null }), upsert(6, '2', {}))
    expect(await versions()).toEqual(before)
    expect(await counts()).toEqual(only({ read: 6, created: 2, unchanged: 4 }))
  })

  test('§4 a batch takes effect once: retried, replayed or applied by two workers at once', async () => {
    const rows = filtered([upsert(1, '1', { revenue: 1 }), { t: at(1), id: '', name: 'x' }])
    const answers = await Promise.all([0, 0, 0].map((batch) => applyFiltered(pool, run, { batch }, rows)))
    expect(answers).toEqual([0, 0, 0].map(() => ({ applied: true, rowsRead: 2, rowsRejected: 1 })))
    expect(await applyFiltered(pool, run, { batch: 0 }, rows)).toEqual(answers[0])
    expect(await counts()).toEqual(only({ read: 2, created: 1, rejected: 1 }))
    expect(await listQuarantine(pool, { limit: 10 })).toHaveLength(1)
  })

  test('§4 a worker that lost its run can change nothing: the fencing token guards apply and commitWatermark', async () => {
    await apply(upsert(1, '1', { region: 'eu' }))
    const successor = await startRun(pool, 's', run.runId)
    await expect(apply(upsert(2, '1', { region: 'us' }))).rejects.toMatchObject({ code: 'run_lost' })
    await expect(
      commitWatermark(pool, {
        run,
        segment: 1,
        lastBatch: 0,
        boundary: { updatedAt: at(1), rowsAtUpdatedAt: 1 },
        status: 'running',
      }),
    ).rejects.toMatchObject({ code: 'run_lost' })
    expect(await attributes('1')).toEqual({ region: 'eu' })
    expect(await readWatermark(pool, 's')).toBeUndefined()
    expect((await readRun(pool, run.runId))?.status).toBe('error')
    // Its finishRun neither takes the lease from the successor nor changes the end that was written for it.
    await finishRun(pool, { run, status: 'success', finishedAt: new Date().toISOString(), warnings: [] })
    expect((await readRun(pool, run.runId))?.status).toBe('error')
    expect((await readLease(pool, 's'))?.runId).toBe(successor.runId)
  })

  test('§7 one run of a sync at a time; the same run that asks again gets its token', async () => {
    const again = {
      sync: 's',
      runId: run.runId,
      executionId: run.runId,
      workflowId: 'sync/s/manual',
      kind: 'manual',
      startedAt: new Date().toISOString(),
    } as const
    expect(await claimSync(pool, again)).toMatchObject({ claimed: true, token: run.token })
    expect(await claimSync(pool, { ...again, runId: 'newcomer' })).toMatchObject({
      claimed: false,
      holder: { runId: run.runId },
    })
    expect(await listRuns(pool, { limit: 10 })).toHaveLength(1)
    const claims = await Promise.all(
      [1, 2, 3, 4].map((n) => claimSync(pool, { ...again, sync: 'other', runId: `racer-${n}` })),
    )
    expect(claims.filter((claim) => claim.claimed)).toHaveLength(1)
    await expect(claimSync(pool, { ...again, sync: 'nowhere' })).rejects.toMatchObject({ code: 'sync_missing' })
  })

  test('§4 after a reset of its workflow a run counts its batches anew', async () => {
    await apply(upsert(1, '1', { region: 'eu' }))
    const again = {
      sync: 's',
      runId: run.runId,
      executionId: 'after-reset',
      workflowId: 'sync/s/manual',
      kind: 'manual',
    } as const
    const claim = await claimSync(pool, { ...again, startedAt: new Date().toISOString() })
    if (!claim.claimed) throw new Error('held')
    await expect(apply(upsert(2, '1', { region: 'old' }))).rejects.toMatchObject({ code: 'run_lost' })
    run = { ...run, token: claim.token }
    batch = 0
    await apply(upsert(3, '2', { region: 'us' }))
    expect(await attributes('2')).toEqual({ region: 'us' })
  })

  test('§8 no row is filtered by one schema version and applied under another', async () => {
    const old = filtered([upsert(1, '1', { region: 'eu', size: 3 })])
    const newer: Fields = [...fields, ['size', { type: 'integer' }]]
    await writeDeployment(
      pool,
      { fields: newer, connections: { put: {}, remove: [] }, syncs: { put: {}, remove: [] } },
      { by: 'test' },
    )
    expect((await readSchema(pool))?.version).toBe(2)
    expect(await applyFiltered(pool, run, { batch: 0, schema: 1 }, old)).toEqual({ applied: false, schema: 2 })
    expect(await readAccount(pool, '1')).toBeUndefined()
    expect(
      await applyFiltered(
        pool,
        run,
        { batch: 0, schema: 2 },
        filtered([upsert(1, '1', { region: 'eu', size: 3 })], newer, 2),
      ),
    ).toMatchObject({ applied: true })
    expect(await attributes('1')).toEqual({ region: 'eu', size: 3 })
    expect((await readRun(pool, run.runId))?.schema_version).toBe(2)
  })

  test('§2 a rejected row goes to quarantine with id, UPDATED_AT, payload, code and sentence; the same row again makes no second entry', async () => {
    const bad = { t: at(1), id: '1', name: 'Acme', payload: '{"region":' }
    await apply(bad)
    await apply(bad, { ...bad, t: at(2) })
    const entries = await listQuarantine(pool, { sync: 's', limit: 10 })
    expect(entries).toHaveLength(2)
    expect(entries.map((entry) => entry.updated_at).sort()).toEqual([at(1), at(2)])
    expect(entries[0]).toMatchObject({
      id: '1',
      sync: 's',
      run_id: run.runId,
      payload: '{"region":',
      code: 'invalid_payload',
      sentence: expect.stringContaining('JSON'),
    })
    expect((await readRun(pool, run.runId))?.rejected).toEqual({ invalid_payload: 3 })
    expect(
      await finishRun(pool, { run, status: 'success', finishedAt: new Date().toISOString(), warnings: [] }),
    ).toEqual({ status: 'partial', rowsRead: 3, rowsRejected: 3 })
  })

  test('§3 an account that would be created without a required field is rejected missing_required, and lost to none', async () => {
    const required: Fields = [
      ['region', { type: 'string', required: true }],
      ['revenue', { type: 'number' }],
    ]
    const rows = filtered(
      [upsert(1, '1', { revenue: 1 }), upsert(1, '2', { region: 'eu' }), upsert(1, '3', { region: null })],
      required,
    )
    await applyFiltered(pool, run, { batch: 0 }, rows)
    await applyFiltered(pool, run, { batch: 1 }, filtered([upsert(2, '2', { revenue: 2 })], required))
    expect(await counts()).toEqual(only({ read: 4, created: 1, updated: 1, rejected: 2 }))
    expect((await listQuarantine(pool, { limit: 10 })).map(({ id, code }) => [id, code]).sort()).toEqual([
      ['1', 'missing_required'],
      ['3', 'missing_required'],
    ])
    expect(await attributes('2')).toEqual({ region: 'eu', revenue: 2 })
  })

  test('§2 numbers read back as equal decimals, and keys such as __proto__ are plain keys', async () => {
    const schema: Fields = [
      ['n', { type: 'number' }],
      ['__proto__', { type: 'object' }],
    ]
    await applyFiltered(
      pool,
      run,
      { batch: 0 },
      filtered(
        [
          { t: at(1), id: '9007199254740993', name: 'A', payload: '{"n":9007199254740993,"__proto__":{"x":0.10}}' },
          { t: at(1), id: '2', name: 'B', payload: '{"n":1e400}' },
        ],
        schema,
      ),
    )
    expect((await readAccount(pool, '9007199254740993'))?.attributesJson).toBe(
      '{"n": 9007199254740993, "__proto__": {"x": 0.10}}',
    )
    expect((await readAccount(pool, '2'))?.attributesJson).toBe(`{"n": 1${'0'.repeat(400)}}`)
    const account = (await readAccount(pool, '9007199254740993'))!
    expect(accountJson(account)).toContain('"attributes":{"n": 9007199254740993')
    expect(JSON.parse(accountJson(account))).toMatchObject({ id: '9007199254740993', name: 'A', updated_at: at(1) })
  })

  test('§5 the watermark moves only forward, only when the ledger holds all batches up to it', async () => {
    const commit = (lastBatch: number, second: number, rowsAtUpdatedAt = 1) =>
      commitWatermark(pool, {
        run,
        segment: 1,
        lastBatch,
        boundary: { updatedAt: at(second), rowsAtUpdatedAt },
        status: 'running',
      })
    await apply(upsert(1, '1', {}))
    await apply(upsert(2, '2', {}))
    await expect(commit(2, 3)).rejects.toMatchObject({ code: 'internal' })
    expect(await readWatermark(pool, 's')).toBeUndefined()
    expect(await commit(1, 2)).toEqual({ watermark: { updatedAt: at(2), rowsAtUpdatedAt: 1 } })
    expect(await commit(0, 1)).toEqual({ watermark: { updatedAt: at(2), rowsAtUpdatedAt: 1 } })
    expect(await commit(1, 2, 3)).toEqual({ watermark: { updatedAt: at(2), rowsAtUpdatedAt: 3 } })
    expect(await readWatermark(pool, 's')).toMatchObject({
      updated_at: at(2),
      rows_at_updated_at: 3,
      by: `run ${run.runId}`,
    })
  })

  test('§5 a sync that is pointed at another source starts from the beginning', async () => {
    await apply(upsert(1, '1', {}))
    await commitWatermark(pool, {
      run,
      segment: 1,
      lastBatch: 0,
      boundary: { updatedAt: at(1), rowsAtUpdatedAt: 1 },
      status: 'running',
    })
    const put = (table: string) =>
      writeDeployment(
        pool,
        {
          connections: { put: {}, remove: [] },
          syncs: { put: { s: { ...syncDefinition, lookbackMs: 5, source: { table } } }, remove: [] },
        },
        { by: 'test' },
      )
    await put('public.accounts_sync')
    expect(await readWatermark(pool, 's')).toBeDefined()
    await put('public.other')
    expect(await readWatermark(pool, 's')).toBeUndefined()
    // The run that still reads the old source cannot commit its watermark as that of the new one.
    await expect(apply(upsert(2, '2', {}))).rejects.toMatchObject({ code: 'run_lost' })
  })

  test('§7 store quota: a batch that would exceed it is not applied at all, one that shrinks the store is', async () => {
    await writeDeployment(
      pool,
      { quota: { accounts: 2 }, connections: { put: {}, remove: [] }, syncs: { put: {}, remove: [] } },
      { by: 'test' },
    )
    expect((await readDeployment(pool)).quota).toEqual({ accounts: 2 })
    await apply(upsert(1, '1', {}), upsert(1, '2', {}))
    await expect(apply(upsert(2, '3', {}))).rejects.toMatchObject({ code: 'store_quota' })
    batch--
    expect(await counts()).toEqual(only({ read: 2, created: 2 }))
    await apply(remove(3, '1'), upsert(3, '2', { region: 'eu' }))
    expect(await readUsage(pool)).toEqual(await recountUsage(pool))
  })

  test('§10 usage counts accounts and bytes of id, name and attributes', async () => {
    await apply(upsert(1, 'ü', { region: 'eu' }, 'Öl'))
    expect(await readUsage(pool)).toEqual({ accounts: 1, bytes: 2 + 3 + '{"region": "eu"}'.length })
  })

  test('§4 two syncs that write the same accounts at the same moment lose nothing', async () => {
    const other = await startRun(pool, 'other')
    const ids = Array.from({ length: 300 }, (_, i) => `${i}`)
    const attempt = async (run: RunIdentity, batch: number, rows: Row[]): Promise<void> => {
      for (;;) {
        try {
          await applyFiltered(pool, run, { batch }, filtered(rows))
          return
        } catch (error) {
          // What the worker retries, too.
          if ((error as { code?: string }).code !== 'store_conflict') throw error
        }
      }
    }
    for (let round = 0; round < 10; round++)
      await Promise.all([
        attempt(
          run,
          round,
          ids.map((id) => upsert(1, `${round}-${id}`, { region: 'eu' })),
        ),
        attempt(
          other,
          round,
          ids.toReversed().map((id) => upsert(1, `${round}-${id}`, { revenue: 1 })),
        ),
      ])
    expect(await readUsage(pool)).toEqual(await recountUsage(pool))
    for await (const account of exportAccounts(pool))
      expect(JSON.parse(account.attributesJson)).toEqual({ region: 'eu', revenue: 1 })
    const sums = (await listRuns(pool, { limit: 2 })).map(({ rows }) => rows.created)
    expect(sums[0]! + sums[1]!).toBe(3000)
  })

  test('accounts are listed in pages by id', async () => {
    await apply(...['b', 'a', 'Z', 'ä'].map((id) => upsert(1, id, {})))
    const first = await listAccounts(pool, { limit: 3 })
    const second = await listAccounts(pool, { after: first.at(-1)!.id, limit: 3 })
    expect([...first, ...second].map(({ id }) => id)).toEqual(['Z', 'a', 'b', 'ä'])
  })

  test('migrate is idempotent, safe to run at once, and refuses a store of a newer version', async () => {
    expect(await Promise.all([migrate(pool), migrate(pool)])).toEqual(
      [0, 1].map(() => ({ from: storeVersion, to: storeVersion })),
    )
    await pool.query('insert into sluice.migration (version) values ($1)', [storeVersion + 1])
    await expect(migrate(pool)).rejects.toMatchObject({ code: 'store_too_new' })
  })
})
