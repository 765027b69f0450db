import { searchAttributes } from '@sluice/workflows/names'
import type { Client } from '@temporalio/client'
import { Refusal } from '../refusal.ts'
import { withTemporalFaults } from './temporalFaults.ts'

// Temporal's own numbers of the types.
const valueTypes = { KEYWORD: 2, INT: 3 } as const

export async function missingSearchAttributes(temporal: Client): Promise<string[]> {
  const { customAttributes } = await withTemporalFaults(() =>
    temporal.connection.operatorService.listSearchAttributes({ namespace: temporal.options.namespace }),
  )
  return Object.values(searchAttributes)
    .map(({ name }) => name)
    .filter((name) => customAttributes?.[name] === undefined)
}

/** Adds those of Sluice's search attributes that the namespace lacks. Idempotent. */
export async function ensureSearchAttributes(temporal: Client): Promise<void> {
  const missing = await missingSearchAttributes(temporal)
  if (missing.length === 0) return
  try {
    await temporal.connection.operatorService.addSearchAttributes({
      namespace: temporal.options.namespace,
      searchAttributes: Object.fromEntries(
        Object.values(searchAttributes)
          .filter(({ name }) => missing.includes(name))
          .map(({ name, type }) => [name, valueTypes[type as keyof typeof valueTypes]]),
      ),
    })
  } catch {
    throw new Refusal('refused', 'search_attributes_missing', {
      sentence: `The namespace ${temporal.options.namespace} lacks the search attributes ${missing.join(', ')}, and they may not be added from here.`,
      remedy: `Add them: ${Object.values(searchAttributes)
        .map(({ name, type }) => `${name} (${type === 'INT' ? 'Int' : 'Keyword'})`)
        .join(', ')}.`,
    })
  }
}
