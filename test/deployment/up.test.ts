import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { homeOf } from '@sluice/deployment/home'
import { freePort } from '@sluice/deployment/ports'
import { isAlive } from '@sluice/deployment/processIdentity'
import { readPidFile } from '@sluice/deployment/serverProcess'
import { commandEnv, readState, runningUp } from '@sluice/deployment/state'
import pg from 'pg'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { describeOn, ownFolder } from '../servers/address.ts'

const servers = ['postgres', 'temporal', 'worker']

// Asked for so that a machine which lacks a server skips these too.
const describeOnServers = await describeOn('postgres', 'temporal')

describeOnServers('interfaces §1: sluice up', () => {
  let home: ReturnType<typeof homeOf>
  let ports: Record<string, string>

  beforeAll(async () => {
    home = homeOf(path.join((await ownFolder('postgres')).folder, 'home'))
    ports = {
      SLUICE_POSTGRES_PORT: String(await freePort()),
      SLUICE_TEMPORAL_PORT: String(await freePort()),
      SLUICE_TEMPORAL_UI_PORT: String(await freePort()),
    }
  })

  test('starts everything, tells other commands where, and a stop leaves no process', async () => {
    const up = await startUp(home.folder, ports)
    const env = commandEnv(home, { TEMPORAL_API_KEY: 'of another cluster', SLUICE_STAGE: 'file:///mine' })
    expect(env).toMatchObject({
      SLUICE_STAGE: 'file:///mine',
      TEMPORAL_ADDRESS: `127.0.0.1:${ports.SLUICE_TEMPORAL_PORT}`,
      TEMPORAL_NAMESPACE: 'default',
      SLUICE_TEMPORAL_UI_URL: `http://127.0.0.1:${ports.SLUICE_TEMPORAL_UI_PORT}`,
      EXTRA: 'from prepare',
    })
    expect(env.TEMPORAL_API_KEY).toBeUndefined()
    expect(readFileSync(home.log('worker'), 'utf8')).toContain('"extra":"from prepare"')
    await query(env.SLUICE_STORE_URL!, 'create table kept (n int)')

    const running = servers.map((name) => readPidFile(home.pid(name))!)
    await end(up)
    expect(running.filter(isAlive)).toEqual([])
    expect(runningUp(home)).toBeUndefined()
  })

  test('a second start keeps the data and the ports', async () => {
    const up = await startUp(home.folder)
    expect(Object.values(readState(home).ports).map(String).toSorted()).toEqual(Object.values(ports).toSorted())
    await query(runningUp(home)!.env.SLUICE_STORE_URL!, 'select n from kept')
    await end(up)
  })

  test('a second `up` in one home is refused, and says who is there', async () => {
    const up = await startUp(home.folder)
    await expect(startUp(home.folder)).rejects.toThrow(`up_running It is process ${up.pid}`)
    await end(up)
  })

  test('a worker that dies is started again', async () => {
    const up = await startUp(home.folder)
    const first = readPidFile(home.pid('worker'))!
    process.kill(first.pid, 'SIGKILL')
    await expect.poll(() => readPidFile(home.pid('worker'))?.pid ?? first.pid, { timeout: 20_000 }).not.toBe(first.pid)
    await end(up)
  })

  test('a PostgreSQL that dies is started again on its port', async () => {
    const up = await startUp(home.folder)
    process.kill(readPidFile(home.pid('postgres'))!.pid, 'SIGKILL')
    await expect
      .poll(
        () =>
          query(runningUp(home)!.env.SLUICE_STORE_URL!, 'select n from kept').then(
            () => true,
            () => false,
          ),
        {
          timeout: 20_000,
          interval: 200,
        },
      )
      .toBe(true)
    await end(up)
  })

  test('after a SIGKILL of `up` alone the next one ends what it left, and starts', async () => {
    const up = await startUp(home.folder)
    const left = servers.map((name) => readPidFile(home.pid(name))!)
    up.kill('SIGKILL')
    await once(up, 'exit')
    expect(left.every(isAlive)).toBe(true)
    const next = await startUp(home.folder)
    expect(left.filter(isAlive)).toEqual([])
    await end(next)
  })

  test('after a SIGKILL of everything the next one starts', async () => {
    const up = await startUp(home.folder)
    for (const name of servers) process.kill(readPidFile(home.pid(name))!.pid, 'SIGKILL')
    up.kill('SIGKILL')
    await once(up, 'exit')
    const next = await startUp(home.folder)
    await query(runningUp(home)!.env.SLUICE_STORE_URL!, 'select n from kept')
    await end(next)
  })

  test('a busy port that was asked for is an error that names it and the remedy', async () => {
    const port = await occupyPort()
    const failed = startUp(home.folder, { ...ports, SLUICE_POSTGRES_PORT: String(port) })
    await expect(failed).rejects.toThrow(new RegExp(`port_busy Port ${port} .* PostgreSQL.*SLUICE_POSTGRES_PORT`))
    expect(servers.map((name) => readPidFile(home.pid(name)))).toEqual([undefined, undefined, undefined])
  })

  test('a busy port that was not asked for is replaced by another, which is said', async () => {
    const { postgres } = readState(home).ports
    await occupyPort(postgres)
    const up = await startUp(home.folder)
    const { postgres: other } = readState(home).ports
    expect(other).not.toBe(postgres)
    expect(up.said()).toContain(`Port ${postgres} is in use: PostgreSQL listens on ${other}.`)
    await end(up)
  })
})

async function startUp(home: string, env: Record<string, string> = {}) {
  const up = spawn(
    process.execPath,
    ['--conditions=sluice-source', path.join(import.meta.dirname, 'upProcess.ts'), home],
    {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, XDG_CACHE_HOME: process.env.XDG_CACHE_HOME, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  let said = ''
  up.stdout.on('data', (chunk) => {
    said += chunk
  })
  const ended = once(up, 'exit')
  onTestFinished(async () => {
    if (up.exitCode !== null || up.signalCode !== null) return
    up.kill('SIGINT')
    await ended
  })
  while (!/^up$/m.test(said)) {
    await Promise.race([once(up.stdout, 'data'), ended])
    if (up.exitCode !== null) throw new Error(said.trim().split('\n').at(-1))
  }
  return Object.assign(up, { said: () => said })
}

/** As a Ctrl-C that arrives from the terminal and from npm at once. */
async function end(up: ChildProcess): Promise<void> {
  const ended = once(up, 'exit')
  up.kill('SIGINT')
  up.kill('SIGINT')
  expect(await ended).toEqual([0, null])
}

async function query(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  await client.query(sql).finally(() => client.end())
}

async function occupyPort(port = 0): Promise<number> {
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as { port: number }).port
}
