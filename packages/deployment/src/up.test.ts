import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startDeployment } from './up.ts'

async function saidBeforeFailing(env: NodeJS.ProcessEnv, expected: object): Promise<string[]> {
  const home = mkdtempSync(path.join(tmpdir(), 'sluice-up-'))
  onTestFinished(() => rmSync(home, { recursive: true }))
  const said: string[] = []
  await expect(startDeployment({ home, env, say: (line) => said.push(line) })).rejects.toMatchObject(expected)
  return said
}

test('a port that is none is told by its variable, before anything starts', async () => {
  const expected = { code: 'port_invalid', message: expect.stringContaining('SLUICE_POSTGRES_PORT is "abc"') }
  expect(await saidBeforeFailing({ SLUICE_POSTGRES_PORT: 'abc' }, expected)).toEqual([])
})

test('a busy port of the second server is told before the first one starts', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as { port: number }
  const expected = { code: 'port_busy', message: expect.stringContaining('SLUICE_TEMPORAL_PORT') }
  expect(await saidBeforeFailing({ SLUICE_TEMPORAL_PORT: String(port) }, expected)).toEqual([])
})
