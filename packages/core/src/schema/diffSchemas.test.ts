import { describe, expect, test } from 'vitest'
import type { Fields } from './accountSchema.ts'
import { diffSchemas, sameFields } from './diffSchemas.ts'

const schema: Fields = [
  ['region', { type: 'string' }],
  ['tags', { type: 'array', of: 'string' }],
  ['retention', { type: 'object', fields: [['vip', { type: 'boolean' }]] }],
  ['free', { type: 'object' }],
]

describe('§8 a schema change names the fields that it adds, removes and changes', () => {
  test.each<[string, Fields, ReturnType<typeof diffSchemas>]>([
    ['nothing', [...schema].reverse(), { added: [], removed: [], changed: [] }],
    [
      'an added field',
      [...schema, ['__proto__', { type: 'date' }]],
      { added: ['__proto__'], removed: [], changed: [] },
    ],
    ['a removed field', schema.slice(1), { added: [], removed: ['region'], changed: [] }],
    [
      'another type',
      [['region', { type: 'number' }], ...schema.slice(1)],
      { added: [], removed: [], changed: ['region'] },
    ],
    [
      'another item type',
      [['tags', { type: 'array', of: 'date' }]],
      { added: [], removed: ['region', 'retention', 'free'], changed: ['tags'] },
    ],
    [
      'inner fields',
      [
        ...schema.slice(0, 2),
        ['retention', { type: 'object', merge: 'deep', fields: [['x', { type: 'string' }]] }],
        ['free', { type: 'object', fields: [] }],
      ],
      { added: ['retention.x'], removed: ['retention.vip'], changed: ['retention', 'free'] },
    ],
    [
      'defaults written out',
      [
        ['region', { type: 'string', required: false }],
        schema[1]!,
        schema[2]!,
        ['free', { type: 'object', merge: 'replace' }],
      ],
      { added: [], removed: [], changed: [] },
    ],
  ])('%s', (_, to, difference) => {
    expect(diffSchemas(schema, to)).toEqual(difference)
    expect(sameFields(schema, to)).toBe(Object.values(difference).flat().length === 0)
  })
})
