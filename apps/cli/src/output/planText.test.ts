import { defaultSettings } from '@sluice/control/deployment/defaultSettings'
import type { Change } from '@sluice/control/deployment/planDeployment'
import { expect, test } from 'vitest'
import { planText } from './planText.ts'

const details = [
  { key: 'connection', to: 'warehouse' },
  { key: 'lookback', to: '0s' },
  { key: 'batch.rows', to: '500' },
]

test('of a new sync, what the file leaves at its default is not told; of one that changes, all that differs', () => {
  const changes: Change[] = [
    { what: 'sync', name: 'crm', action: 'add', details },
    { what: 'sync', name: 'old', action: 'change', details: [{ key: 'lookback', from: '10m', to: '0s' }] },
    { what: 'field', name: 'plan', action: 'add', details: [{ key: 'type', to: 'string' }] },
  ]
  expect(planText(changes, defaultSettings())).toBe(`+ sync crm
    connection: warehouse
    batch.rows: 500
~ sync old
    lookback: 10m → 0s
+ field plan: string

3 changes: 2 new, 1 changed, 0 removed.
`)
})
