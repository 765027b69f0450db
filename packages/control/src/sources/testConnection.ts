import { readDeployment } from '@sluice/account-store/deployment'
import { readWatermark } from '@sluice/account-store/watermarks'
import { openSource } from '@sluice/connectors/openSource'
import type { Environment } from '@sluice/connectors/secrets'
import { reportFault, SluiceError } from '@sluice/core/faults'
import type { CheckStep } from '@sluice/core/source/warehouseSource'
import { knownConnection } from '../deployment/readSyncs.ts'
import { Refusal } from '../refusal.ts'
import { knownSync } from '../runs/knownSync.ts'
import type { Store } from '../services.ts'

/**
 * §11. Yields each step as it ends; the first that fails is the last. Without a sync, the connection alone is looked at,
 * or, if just one sync uses it, that one's object too.
 * @throws SluiceError `connection_missing`, `sync_missing`; Refusal `other_connection`
 */
export async function* testConnection(
  store: Store,
  { name, sync, env }: { name: string; sync?: string; env: Environment },
  signal: AbortSignal,
): AsyncGenerator<CheckStep> {
  const connection = await knownConnection(store, name)
  if (sync !== undefined) {
    const { definition } = await knownSync(store, sync)
    if (definition.connection !== name)
      throw new Refusal('wrong_usage', 'other_connection', {
        sentence: `The sync ${sync} uses the connection ${definition.connection}, not ${name}.`,
        remedy: `Test that one: \`sluice connection test ${definition.connection} --sync ${sync}\`.`,
      })
  }
  const { syncs } = await readDeployment(store)
  const users = Object.keys(syncs).filter((candidate) => syncs[candidate]!.connection === name)
  const chosen = sync ?? (users.length === 1 ? users[0] : undefined)
  const source = chosen === undefined ? undefined : syncs[chosen]!.source
  const watermark = chosen === undefined ? undefined : await readWatermark(store, chosen)
  try {
    const opened = await openSource({ connection, env, label: 'connection test', ...(source && { source }) })
    try {
      yield* opened.kind === 'warehouse'
        ? opened.source.check(watermark?.updated_at, signal)
        : opened.source.check(signal)
    } finally {
      await opened.source.close()
    }
  } catch (error) {
    // A secret that is missing is found before anything is reached.
    if (!(error instanceof SluiceError)) throw error
    yield { step: 'reach', ok: false, ...reportFault(error) }
  }
}
