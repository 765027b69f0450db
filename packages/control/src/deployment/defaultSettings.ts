import { defaultSync } from '../config/parseConfiguration.ts'
import { type Description, describeSync } from './describeDefinition.ts'

/** The settings of a sync for which sluice.yaml names connection and source alone. */
export function defaultSettings(): Description {
  const settings = new Map([
    ...describeSync(defaultSync({ table: 'any' })),
    ...describeSync(defaultSync({ prefix: '', format: 'jsonl' })),
  ])
  settings.delete('connection')
  settings.delete('source')
  return settings
}
