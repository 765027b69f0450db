import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import path from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '@sluice/deployment/ports'
import { registerSearchAttributes, startTemporal } from '@sluice/deployment/temporal'
import { ownFolder, serverAddress } from './address.ts'

export interface TestNamespace {
  address: string
  namespace: string
  uiUrl: string
  /** Runs the `temporal` CLI against this namespace and answers its standard output. */
  cli(...args: string[]): Promise<string>
}

/** A namespace of its own, with Sluice's search attributes, on the Temporal server of this test run. */
export async function testNamespace(): Promise<TestNamespace> {
  const { address, uiUrl, cli } = await serverAddress('temporal')
  const namespace = `t-${randomUUID()}`
  const run = cliOf(cli, { address, namespace })
  await run('operator', 'namespace', 'create', '--retention', '24h')
  await registerSearchAttributes({ cli, address, namespace })
  return { address, namespace, uiUrl, cli: run }
}

export interface OwnTemporal extends TestNamespace {
  pid(): number
  stop(): Promise<void>
  /** On the same address and database; also after the test killed it. */
  start(): Promise<void>
}

/**
 * A Temporal server of the test's own, which it may kill, stop and start again. It ends with the run at the latest.
 * @param dynamicConfig such as `{ 'limit.blobSize.warn': 32768, 'limit.blobSize.error': 65536 }`
 */
export async function ownTemporal(dynamicConfig: Record<string, unknown> = {}): Promise<OwnTemporal> {
  const { folder, ...files } = await ownFolder('temporal')
  const [port, uiPort] = [await freePort(), await freePort()]
  const start = () =>
    startTemporal({ ...files, port, uiPort, dynamicConfig, databaseFile: path.join(folder, 'temporal.db') })
  let server = await start()
  const { address, namespace, uiUrl, cli } = server
  return {
    address,
    namespace,
    uiUrl,
    cli: cliOf(cli, { address, namespace }),
    pid: () => server.process.identity.pid,
    stop: () => server.stop(),
    start: async () => {
      server = await start()
    },
  }
}

function cliOf(cli: string, { address, namespace }: { address: string; namespace: string }) {
  return async (...args: string[]) => {
    const where = ['--address', address, '--namespace', namespace]
    return (await promisify(execFile)(cli, [...args, ...where], { maxBuffer: 256 * 1024 * 1024 })).stdout
  }
}
