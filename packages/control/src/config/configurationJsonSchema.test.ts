import { expect, test } from 'vitest'
import { configurationJsonSchema } from './configurationJsonSchema.ts'

interface Node {
  description?: string
  properties?: Record<string, Node>
  additionalProperties?: Node | boolean
  anyOf?: Node[]
  oneOf?: Node[]
  items?: Node
  const?: unknown
}

test('every key of sluice.yaml has a description', () => {
  const missing: string[] = []
  const visit = (node: Node, path: string) => {
    for (const [key, value] of Object.entries(node.properties ?? {})) {
      if (!value.description && value.const === undefined) missing.push(`${path}.${key}`)
      visit(value, `${path}.${key}`)
    }
    for (const inner of [node.additionalProperties, node.items, ...(node.anyOf ?? []), ...(node.oneOf ?? [])])
      if (typeof inner === 'object') visit(inner, path)
  }
  const { $defs, ...root } = configurationJsonSchema() as unknown as Node & { $defs: { field: Node } }
  visit(root, '')
  visit($defs.field, 'field')
  expect(missing).toEqual([])
})
