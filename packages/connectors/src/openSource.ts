import type { ConnectionDefinition, SyncDefinition } from '@sluice/core/config/syncDefinition'
import { SluiceError } from '@sluice/core/faults'
import type { FileSource } from '@sluice/core/source/fileSource'
import type { WarehouseSource } from '@sluice/core/source/warehouseSource'
import { type ConnectionType, connectionSchemas } from './connectionOptions.ts'
import type { Environment } from './secrets.ts'

export interface OpenSourceRequest {
  connection: ConnectionDefinition
  /** Absent: `check` looks at the connection alone; nothing can be read. */
  source?: SyncDefinition['source']
  /** Where secrets given as `{ env }` are found. */
  env: Environment
  /** The sync's name: people who look at the source's list of queries see it. */
  label: string
}

export type OpenedSource = { kind: 'warehouse'; source: WarehouseSource } | { kind: 'files'; source: FileSource }

/**
 * Resolves the secrets and loads the driver; reaches nothing yet. Close the source at the end.
 * @throws SluiceError `secret_missing`, `config_invalid`
 */
export async function openSource({ connection, source, env, label }: OpenSourceRequest): Promise<OpenedSource> {
  switch (connection.type as ConnectionType) {
    case 'postgres': {
      const options = checked('postgres', connection)
      if (source !== undefined && 'prefix' in source) throw wrongSource(connection.type, '`table` or `query`')
      const { openPostgres } = await import('./postgres/source.ts')
      return { kind: 'warehouse', source: openPostgres(options, source, { env, label }) }
    }
    case 'folder': {
      const options = checked('folder', connection)
      if (source !== undefined && !('prefix' in source)) throw wrongSource(connection.type, '`prefix` and `format`')
      const { openFolder } = await import('./folder/source.ts')
      return { kind: 'files', source: openFolder(options, source) }
    }
    default:
      throw new SluiceError('config_invalid', `There is no connection of type ${JSON.stringify(connection.type)}.`)
  }
}

/** A deployed connection was checked when it was applied; another version of Sluice may have done so. */
function checked<T extends ConnectionType>(type: T, connection: ConnectionDefinition) {
  const parsed = connectionSchemas[type].safeParse(connection)
  if (parsed.success) return parsed.data as ReturnType<(typeof connectionSchemas)[T]['parse']>
  const [issue] = parsed.error.issues
  throw new SluiceError('config_invalid', `Connection of type ${type}: ${issue?.path.join('.')}: ${issue?.message}.`)
}

function wrongSource(type: string, wanted: string): SluiceError {
  return new SluiceError('config_invalid', `A connection of type ${type} needs a \`source\` with ${wanted}.`)
}
