import { chmodSync, mkdtempSync } from 'node:fs'
import path from 'node:path'
import { describe, inject } from 'vitest'

export interface ServerAddresses {
  postgres: { /** Of the superuser. */ url: string }
  temporal: { address: string; uiUrl: string /** Path of the `temporal` command. */; cli: string }
}
export type ServerName = keyof ServerAddresses

/** The address of a server of this test run; the first to ask waits for its start. */
export function serverAddress<N extends ServerName>(name: N): Promise<ServerAddresses[N]> {
  return askHost(name)
}

/** A folder for a server of the test's own: the run's end ends the server and removes it. */
export async function ownFolder(name: ServerName): Promise<{ folder: string; logFile: string; pidFile: string }> {
  const folder = mkdtempSync(path.join(await askHost<string>('folder'), 'own-'))
  chmodSync(folder, 0o711) // as for the run's own folder
  return { folder, logFile: path.join(folder, 'log'), pidFile: path.join(folder, `${name}.pid`) }
}

/**
 * `describe` for tests that need these servers. Where one cannot be had it prints why and skips them; with CI=true that
 * is a failure.
 * @example const describeOnServers = await describeOn('postgres', 'temporal')
 */
export async function describeOn(...names: ServerName[]): Promise<typeof describe> {
  try {
    await Promise.all(names.map(serverAddress))
    return describe
  } catch (error) {
    if (process.env.CI) throw error
    process.stderr.write(`Skipped: ${error instanceof Error ? error.message : error}\n`)
    return describe.skip as typeof describe
  }
}

async function askHost<T>(what: string): Promise<T> {
  const response = await fetch(`${inject('serversUrl')}/${what}`)
  const text = await response.text()
  if (!response.ok) throw new Error(`No ${what} server: ${text}`)
  return JSON.parse(text) as T
}
