import { readSchema } from '@sluice/account-store/deployment'
import { SluiceError } from '@sluice/core/faults'
import type { SchemaFilterInput, SchemaFilterResult } from '@sluice/workflows/activities'
import type { WorkerDependencies } from '../createActivities.ts'

/** Filters a staged batch in a thread of its own: the thread reads and writes the stage itself. */
export async function schemaFilter(
  { store, filterPool }: WorkerDependencies,
  input: SchemaFilterInput,
): Promise<SchemaFilterResult> {
  const schema = await readSchema(store, input.schema)
  if (schema === undefined) throw new SluiceError('schema_missing', `There is no version ${input.schema}.`)
  return await filterPool.filter({
    raw: input.raw,
    schema: { version: schema.version, fields: schema.fields },
    onTypeMismatch: input.onTypeMismatch,
  })
}
