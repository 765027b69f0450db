import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** Ask `<serversUrl>/postgres` or `<serversUrl>/temporal` for the server's address; the first to ask starts it. */
    serversUrl: string
  }
}

/** One PostgreSQL and one Temporal for a whole test run, owned by `host.ts`: it ends them when the run is over or killed. */
export default async function setup(project: TestProject) {
  const host = spawn(process.execPath, ['--conditions=sluice-source', path.join(import.meta.dirname, 'host.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true, // a Ctrl-C must not end it before it has ended its servers
  })
  const [url] = await once(host.stdout, 'data')
  project.provide('serversUrl', String(url).trim())
  return async () => {
    host.stdin.end()
    await once(host, 'exit')
  }
}
