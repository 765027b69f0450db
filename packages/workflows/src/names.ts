import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common'

/** Names on the wire (interfaces §6). */
export const taskQueue = 'sluice-run'
export const syncRunType = 'syncRun'

export const searchAttributes = {
  sync: defineSearchAttributeKey('SluiceSync', SearchAttributeType.KEYWORD),
  source: defineSearchAttributeKey('SluiceSource', SearchAttributeType.KEYWORD),
  status: defineSearchAttributeKey('SluiceStatus', SearchAttributeType.KEYWORD),
  schemaVersion: defineSearchAttributeKey('SluiceSchemaVersion', SearchAttributeType.INT),
} as const

export function scheduleId(sync: string): string {
  return `sync/${sync}`
}

/** Temporal appends the time to the id of a scheduled run; a run started by hand has one id, so that two cannot start at once. */
export function workflowId(sync: string, kind: 'scheduled' | 'manual' | 'backfill' | 'retry'): string {
  return `sync/${sync}/${kind}`
}
