import type { SyncDefinition } from '@sluice/core/config/syncDefinition'
import { SluiceError } from '@sluice/core/faults'
import { quoteIdentifier, splitName } from './quoteIdentifier.ts'

/** The table or query of a sync as SQL can name it. */
export type SourceObject =
  /** `name`: quoted, of at most schema and table. */
  | { kind: 'relation'; name: string }
  /** The user's own text. Only after `checkQuery` may it stand in parentheses. */
  | { kind: 'query'; text: string }

/** @throws SluiceError `config_invalid`, `query_invalid` */
export function parseSourceObject(
  source: Exclude<SyncDefinition['source'], { prefix: string }>,
  database: string,
): SourceObject {
  if ('query' in source) {
    const text = source.query.trim().replace(/;$/, '')
    if (text === '') throw new SluiceError('query_invalid', 'It is empty.')
    return { kind: 'query', text }
  }
  return { kind: 'relation', name: relationName(source.table, database) }
}

function relationName(table: string, database: string): string {
  let parts: string[]
  try {
    parts = splitName(table)
  } catch (error) {
    throw invalidTable(table, (error as Error).message)
  }
  if (parts.length > 3) throw invalidTable(table, 'it has more parts than database, schema and table')
  if (parts.length === 3) {
    if (parts[0] !== database) {
      throw invalidTable(
        table,
        `it names another database than the connection, which reads ${JSON.stringify(database)}`,
      )
    }
    parts.shift()
  }
  return parts.map(quoteIdentifier).join('.')
}

function invalidTable(table: string, reason: string): SluiceError {
  return new SluiceError(
    'config_invalid',
    `\`source.table\`: ${JSON.stringify(table)} is no name of a table: ${reason}.`,
  )
}

/** What stands behind FROM. The line break keeps a comment at the query's end from swallowing the parenthesis. */
export function fromItem(object: SourceObject): string {
  return object.kind === 'relation' ? `${object.name} AS s` : `(\n${object.text}\n) AS s`
}
