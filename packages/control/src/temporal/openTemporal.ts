import { SluiceError } from '@sluice/core/faults'
import { Client, Connection } from '@temporalio/client'
import { loadClientConnectConfig } from '@temporalio/envconfig'
import { withTemporalFaults } from './temporalFaults.ts'

/**
 * Connects as the usual TEMPORAL_* variables say (address, namespace, API key, TLS). Close `client.connection` at the end.
 * @throws SluiceError `temporal_unavailable` after 5 s, `temporal_refused`
 */
export async function openTemporal(env: Readonly<Record<string, string | undefined>>): Promise<Client> {
  const variables = Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && entry[0].startsWith('TEMPORAL_'),
    ),
  )
  let config: ReturnType<typeof loadClientConnectConfig>
  try {
    config = loadClientConnectConfig({ disableFile: true, overrideEnvVars: variables })
  } catch (cause) {
    throw new SluiceError('temporal_refused', cause instanceof Error ? cause.message : undefined, { cause })
  }
  const { address, tls, apiKey, metadata } = config.connectionOptions
  const connection = await withTemporalFaults(() =>
    Connection.connect({
      ...(address !== undefined && { address }),
      ...(tls !== undefined && tls !== null && { tls }),
      ...(apiKey !== undefined && { apiKey }),
      ...(metadata !== undefined && { metadata: metadata as Record<string, string> }),
      connectTimeout: '5s',
    }),
  )
  return new Client({ connection, namespace: config.namespace ?? 'default' })
}
