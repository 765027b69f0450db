import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import pg from 'pg'
import { testDatabase } from '../servers/postgres.ts'
import { type TestNamespace, testNamespace } from '../servers/temporal.ts'

const root = path.resolve(import.meta.dirname, '../..')

interface Answer {
  code: number
  stdout: string
  stderr: string
  /** The one JSON document of `--json`. */
  // biome-ignore lint/suspicious/noExplicitAny: tests compare it with what interfaces §4 says
  json: any
  /** The JSON lines of `--json` for lists. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  lines: any[]
}

/**
 * A whole Sluice: store, source, Temporal namespace, stage and a worker process of its own, steered by the real command
 * line. Nothing in it is a stand-in.
 */
export interface DeploymentUnderTest {
  folder: string
  temporal: TestNamespace
  storeUrl: string
  store: pg.Pool
  sourceUrl: string
  source: pg.Pool
  env: NodeJS.ProcessEnv
  sluice(...args: string[]): Promise<Answer>
  /** Starts a command without waiting for its end. */
  spawnSluice(...args: string[]): ChildProcess
  /** Writes sluice.yaml and applies it. */
  configure(yaml: string): Promise<Answer>
  /** The `connections:` entry for the source. */
  connection(overrides?: Record<string, string>): string
  startWorker(env?: NodeJS.ProcessEnv): Promise<ChildProcess>
  worker: ChildProcess | undefined
  stop(): Promise<void>
}

export async function deploy(
  options: { temporal?: TestNamespace; storeUrl?: string; worker?: boolean; env?: NodeJS.ProcessEnv } = {},
): Promise<DeploymentUnderTest> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-e2e-'))
  const temporal = options.temporal ?? (await testNamespace())
  const storeUrl = options.storeUrl ?? (await testDatabase()).url
  const sourceUrl = (await testDatabase()).url
  const password = new URL(sourceUrl).password
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    SLUICE_HOME: path.join(folder, 'home'),
    SLUICE_STORE_URL: storeUrl,
    SLUICE_STAGE: pathToFileURL(path.join(folder, 'stage')).href,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    SOURCE_PASSWORD: decodeURIComponent(password),
    NO_COLOR: '1',
    ...options.env,
  }
  const pools = [storeUrl, sourceUrl].map((connectionString) => new pg.Pool({ connectionString, max: 3 }))
  for (const pool of pools) pool.on('error', () => {})
  const children = new Set<ChildProcess>()
  const node = (script: string, args: string[], env: NodeJS.ProcessEnv): ChildProcess => {
    const child = spawn(process.execPath, ['--conditions=sluice-source', path.join(root, script), ...args], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    children.add(child)
    child.once('exit', () => children.delete(child))
    return child
  }
  const deployment: DeploymentUnderTest = {
    folder,
    temporal,
    storeUrl,
    store: pools[0]!,
    sourceUrl,
    source: pools[1]!,
    env,
    worker: undefined,
    spawnSluice: (...args) => node('apps/cli/src/main.ts', args, env),
    async sluice(...args) {
      const child = this.spawnSluice(...args)
      const output = { stdout: '', stderr: '' }
      for (const name of ['stdout', 'stderr'] as const)
        child[name]!.setEncoding('utf8').on('data', (text: string) => (output[name] += text))
      const [code] = await once(child, 'close')
      return {
        code,
        ...output,
        get json() {
          try {
            return JSON.parse(output.stdout)
          } catch {
            throw new Error(`Not one JSON document (exit ${code}): ${output.stdout}\n${output.stderr}`)
          }
        },
        get lines() {
          return output.stdout
            .split('\n')
            .filter(Boolean)
            .map((line) => JSON.parse(line))
        },
      }
    },
    async configure(yaml) {
      await writeFile(path.join(folder, 'sluice.yaml'), yaml)
      return this.sluice('apply')
    },
    connection(overrides = {}) {
      const url = new URL(sourceUrl)
      const options = {
        type: 'postgres',
        host: url.hostname,
        port: url.port,
        database: url.pathname.slice(1),
        user: decodeURIComponent(url.username),
        password: '{ env: SOURCE_PASSWORD }',
        tls: 'disable',
        ...overrides,
      }
      return `{ ${Object.entries(options)
        .map(([key, value]) => `${key}: ${value}`)
        .join(', ')} }`
    },
    async startWorker(more = {}) {
      const child = node('apps/worker/src/main.ts', [], { ...env, ...more })
      this.worker = child
      let log = ''
      child.stderr!.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-20_000)))
      await new Promise<void>((resolve, reject) => {
        child.stdout!.setEncoding('utf8').on('data', (text: string) => text.includes('ready') && resolve())
        child.once('exit', (code) => reject(new Error(`The worker ended (${code}) before it was ready:\n${log}`)))
      })
      return child
    },
    async stop() {
      await Promise.all(
        [...children].map(async (child) => {
          child.kill('SIGKILL')
          await once(child, 'exit')
        }),
      )
      await Promise.all(pools.map((pool) => pool.end()))
      await rm(folder, { recursive: true, force: true })
    },
  }
  if (options.worker !== false) await deployment.startWorker()
  return deployment
}
