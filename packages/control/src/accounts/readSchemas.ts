import { readSchema } from '@sluice/account-store/deployment'
import { SluiceError } from '@sluice/core/faults'
import type { AccountSchema, Field, Fields } from '@sluice/core/schema/accountSchema'
import { Refusal } from '../refusal.ts'
import type { Store } from '../services.ts'

export { listSchemaVersions } from '@sluice/account-store/deployment'

/** The version in force, or the one asked for. @throws SluiceError `schema_missing`; Refusal `schema_version_missing` */
export async function showSchema(store: Store, version?: number): Promise<AccountSchema> {
  const schema = await readSchema(store, version)
  if (schema) return schema
  if (version === undefined) throw new SluiceError('schema_missing')
  throw new Refusal('wrong_usage', 'schema_version_missing', {
    sentence: `There is no version ${version} of the account schema.`,
    remedy: 'See `sluice schema show --versions`.',
  })
}

/** JSON text of the fields as they would stand in sluice.yaml. Written by hand, since `__proto__` is a plain field name. */
export function fieldsJson(fields: Fields): string {
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${fieldJson(field)}`).join(',')}}`
}

function fieldJson(field: Field): string {
  const members = Object.entries(field).map(([key, value]) =>
    key === 'fields' ? `"fields":${fieldsJson(value as Fields)}` : `${JSON.stringify(key)}:${JSON.stringify(value)}`,
  )
  return `{${members.join(',')}}`
}
