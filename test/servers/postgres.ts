import { randomUUID } from 'node:crypto'
import { freePort } from '@sluice/deployment/ports'
import { startPostgres } from '@sluice/deployment/postgres'
import pg from 'pg'
import { ownFolder, serverAddress } from './address.ts'

export interface TestDatabase {
  /** Of a superuser, with password. */
  url: string
  name: string
  /** The same database as another user. */
  urlAs(user: string, password: string): string
}

/** A fresh, empty database on the PostgreSQL 18 of this test run. It goes with the run. */
export async function testDatabase(): Promise<TestDatabase> {
  const server = await serverAddress('postgres')
  const name = `t_${randomUUID().replaceAll('-', '')}`
  const client = new pg.Client({ connectionString: server.url })
  await client.connect()
  try {
    await client.query(`CREATE DATABASE ${name} STRATEGY wal_log`)
  } finally {
    await client.end()
  }
  const url = new URL(server.url)
  url.pathname = name
  return {
    url: url.href,
    name,
    urlAs: (user, password) => Object.assign(new URL(url), { username: user, password }).href,
  }
}

export interface OwnPostgres {
  /** Of its database `sluice`. The same over all starts. */
  url: string
  pid(): number
  stop(): Promise<void>
  /** Also after the test killed it. */
  start(): Promise<void>
}

/** A PostgreSQL of the test's own, which it may kill, stop and start again. It ends with the run at the latest. */
export async function ownPostgres(settings?: Record<string, string>): Promise<OwnPostgres> {
  const files = await ownFolder('postgres')
  const port = await freePort()
  const start = () => startPostgres({ ...files, port, settings: { shared_buffers: '64MB', ...settings } })
  let server = await start()
  return {
    url: server.url,
    pid: () => server.process.identity.pid,
    stop: () => server.stop(),
    start: async () => {
      server = await start()
    },
  }
}
