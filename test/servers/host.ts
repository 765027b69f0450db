import { randomUUID } from 'node:crypto'
import { chmodSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { freePort } from '@sluice/deployment/ports'
import { startPostgres, stopPostgres } from '@sluice/deployment/postgres'
import { identifyProcess } from '@sluice/deployment/processIdentity'
import { readPidFile } from '@sluice/deployment/serverProcess'
import { startTemporal, stopTemporal } from '@sluice/deployment/temporal'
import type { ServerAddresses, ServerName } from './address.ts'

// Started by globalSetup.ts. Starts a server when a test first asks for it, and ends all when standard input closes,
// which it also does when the test run is killed.

await endForgottenRuns()
const folder = mkdtempSync(path.join(tmpdir(), 'sluice-test-'))
chmodSync(folder, 0o711) // as root, PostgreSQL runs as another user and must reach its data
writeFileSync(path.join(folder, 'host.pid'), JSON.stringify(identifyProcess(process.pid)))

const starts = {
  async postgres() {
    const { url } = await startPostgres({
      folder: path.join(folder, 'postgres'),
      port: await freePort(),
      logFile: path.join(folder, 'postgres.log'),
      pidFile: path.join(folder, 'postgres.pid'),
      // Nothing here outlives the run; tests of crashes start their own server.
      settings: { fsync: 'off', full_page_writes: 'off', max_connections: '300', shared_buffers: '128MB' },
    })
    return { url }
  },
  async temporal() {
    const { address, uiUrl, cli } = await startTemporal({
      port: await freePort(),
      uiPort: await freePort(),
      logFile: path.join(folder, 'temporal.log'),
      pidFile: path.join(folder, 'temporal.pid'),
    })
    return { address, uiUrl, cli }
  },
} satisfies { [N in ServerName]: () => Promise<ServerAddresses[N]> }

const started = new Map<string, Promise<unknown>>()
const token = randomUUID()
const http = createServer(async (request, response) => {
  const [, asked, name] = request.url!.split('/')
  if (asked !== token) return response.writeHead(404).end()
  if (name === 'folder') return response.end(JSON.stringify(folder))
  if (!started.has(name!)) started.set(name!, starts[name as ServerName]())
  try {
    response.end(JSON.stringify(await started.get(name!)))
  } catch (error) {
    response.writeHead(503).end(error instanceof Error ? error.message : String(error))
  }
})
http.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(http.address() as { port: number }).port}/${token}`)
})

process.stdin.resume().once('close', async () => {
  await Promise.allSettled(started.values())
  await endRun(folder)
  process.exit()
})

/** Ends the servers of a run, those that tests started for themselves too. */
async function endRun(folder: string): Promise<void> {
  const stops = { postgres: stopPostgres, temporal: stopTemporal }
  for (const file of globSync(path.join(folder, '**/{postgres,temporal}.pid'))) {
    const server = readPidFile(file)
    if (server) await stops[path.basename(file, '.pid') as ServerName](server)
  }
  rmSync(folder, { recursive: true, force: true })
}

/** Runs whose host was killed before it could end them. */
async function endForgottenRuns(): Promise<void> {
  for (const pidFile of globSync(path.join(tmpdir(), 'sluice-test-*/host.pid'))) {
    if (!readPidFile(pidFile)) await endRun(path.dirname(pidFile))
  }
}
