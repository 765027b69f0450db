import pg from 'pg'
import { expect, test } from 'vitest'
import { describeOn } from './servers/address.ts'
import { testDatabase } from './servers/postgres.ts'

const describeOnPostgres = await describeOn('postgres')
describeOnPostgres('the PostgreSQL of a test run', () => {
  test('each test database is fresh, on PostgreSQL 18', async () => {
    const [one, two] = [await testDatabase(), await testDatabase()]
    expect(one.url).not.toBe(two.url)
    const client = new pg.Client({ connectionString: one.url })
    await client.connect()
    const { rows } = await client.query(
      "select current_setting('server_version') as v, count(*)::int as n from pg_class where relnamespace = 'public'::regnamespace",
    )
    await client.end()
    expect(rows[0]).toEqual({ v: expect.stringMatching(/^18\./), n: 0 })
  })
})
