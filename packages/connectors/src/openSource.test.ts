import { describe, expect, test } from 'vitest'
import { anchorPaths } from './anchorPaths.ts'
import { connectionSchemas } from './connectionOptions.ts'
import { openSource } from './openSource.ts'

const postgres = { type: 'postgres', host: 'db', database: 'crm', user: 'sluice', password: { env: 'PASSWORD' } }

describe('interfaces §2 options of connections', () => {
  test('every option has a description', () => {
    for (const { shape } of Object.values(connectionSchemas)) {
      for (const [name, option] of Object.entries(shape)) {
        if (name !== 'type') expect([name, option.description]).toEqual([name, expect.any(String)])
      }
    }
  })

  test('defaults are filled in', () => {
    expect(connectionSchemas.postgres.parse(postgres)).toEqual({ ...postgres, port: 5432, tls: 'verify' })
  })

  test.each([
    [{ ...postgres, passwort: 1 }, 'Unrecognized key'],
    [{ ...postgres, password: 'hunter2' }, 'expected { env: NAME } or { file: path }'],
    [{ ...postgres, host: { env: 'H', file: 'f' } }, 'expected text'],
    [{ ...postgres, port: 0 }, 'expected a port'],
    [{ ...postgres, tls: 'maybe' }, 'expected verify, require or disable'],
  ])('what is no option is refused, and no value is told: %#', (raw, words) => {
    const parsed = connectionSchemas.postgres.safeParse(raw)
    expect(parsed.error?.issues[0]?.message).toContain(words)
    expect(parsed.error?.message).not.toContain('hunter2')
  })

  test('relative paths start at the configuration file', () => {
    expect(anchorPaths({ ...postgres, password: { file: 'pw' }, host: './x' }, '/etc/sluice')).toEqual({
      ...postgres,
      password: { file: '/etc/sluice/pw' },
      host: './x',
    })
    expect(anchorPaths({ type: 'folder', path: './exports' }, '/etc/sluice')).toEqual({
      type: 'folder',
      path: '/etc/sluice/exports',
    })
    expect(anchorPaths({ type: 'folder', path: '/data' }, '/etc/sluice')).toEqual({ type: 'folder', path: '/data' })
  })
})

describe('opening a source', () => {
  const table = { table: 'public.accounts' }
  const place = { prefix: '', format: 'jsonl' } as const

  test('reaches nothing yet', async () => {
    const warehouse = await openSource({ connection: postgres, source: table, env: { PASSWORD: 'p' }, label: 's' })
    expect(warehouse.kind).toBe('warehouse')
    await warehouse.source.close()
    expect(
      (await openSource({ connection: { type: 'folder', path: '/no/such' }, source: place, env: {}, label: 's' })).kind,
    ).toBe('files')
  })

  test.each([
    ['a secret that is missing', postgres, table, 'secret_missing', 'PASSWORD'],
    ['an unknown type', { type: 'oracle' }, table, 'config_invalid', '"oracle"'],
    ['options that are none', { ...postgres, tls: 'maybe' }, table, 'config_invalid', 'tls'],
    ['a prefix in a warehouse', postgres, place, 'config_invalid', '`table` or `query`'],
    ['a table in a folder', { type: 'folder', path: '/tmp' }, table, 'config_invalid', '`prefix` and `format`'],
    [
      'an empty query',
      { ...postgres, password: { file: '/etc/hostname' } },
      { query: ' ; ' },
      'query_invalid',
      'empty',
    ],
  ])('refuses %s', async (_, connection, source, code, words) => {
    await expect(openSource({ connection, source, env: {}, label: 's' })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(words),
    })
  })
})
