import { z } from 'zod'
import { configurationSpec, fieldSpec, scalarTypes } from './configurationSpec.ts'

/** A JSON Schema of sluice.yaml for editors, with a description, unit and default for each key. */
export function configurationJsonSchema(): Record<string, unknown> {
  const field = { $ref: '#/$defs/field' }
  const options = {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      // A map of fields: JSON Schema has only objects.
      if (zodSchema._zod.def.type === 'map') Object.assign(jsonSchema, { type: 'object', additionalProperties: field })
    },
  } as const satisfies Parameters<typeof z.toJSONSchema>[1]
  const { $schema: _, ...fieldObject } = z.toJSONSchema(fieldSpec, options)
  const { $schema, ...rest } = z.toJSONSchema(configurationSpec, options)
  return {
    $schema,
    title: 'sluice.yaml',
    ...rest,
    $defs: { field: { anyOf: [{ enum: [...scalarTypes, 'object'] }, fieldObject] } },
  }
}
