import type { ConnectionDefinition, SyncDefinition } from '@sluice/core/config/syncDefinition'
import type { Field, Fields } from '@sluice/core/schema/accountSchema'
import { formatByteSize } from '../config/byteSize.ts'
import { formatDuration } from '../config/duration.ts'

/** Key of sluice.yaml to value as it would be written there: what people compare. */
export type Description = Map<string, string>

export function describeConnection(connection: ConnectionDefinition): Description {
  return new Map(Object.entries(connection).map(([key, value]) => [key, inline(value)]))
}

/** What does not apply to the kind of source is left out. */
export function describeSync(sync: SyncDefinition): Description {
  const { source, stopWhen, batch, limits } = sync
  const files = 'prefix' in source
  return new Map(
    Object.entries({
      connection: sync.connection,
      source: inline(source),
      lookback: files ? undefined : formatDuration(sync.lookbackMs),
      on_type_mismatch: sync.onTypeMismatch,
      overwrites: files ? sync.overwrites : undefined,
      'stop_when.rejected_rows': stopWhen?.rejectedRows?.toString(),
      'stop_when.rejected_share': stopWhen?.rejectedShare?.toString(),
      'batch.rows': batch.rows.toString(),
      'batch.bytes': formatByteSize(batch.bytes),
      'limits.rows_per_run': limits.rowsPerRun.toString(),
      'limits.query_timeout': formatDuration(limits.queryTimeoutMs),
      'limits.retry_for': formatDuration(limits.retryForMs),
      notify: sync.notify && inline(sync.notify),
    }).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}

export function describeSchedule(schedule: NonNullable<SyncDefinition['schedule']>): string {
  return 'everyMs' in schedule
    ? `every ${formatDuration(schedule.everyMs)}`
    : `cron ${schedule.cron} (${schedule.timeZone})`
}

/** Each field, those inside objects too, by its path. A dot inside a name is told from one between names by quotes. */
export function describeFields(fields: Fields): Description {
  const description: Description = new Map()
  const visit = (inner: Fields, path: string) => {
    for (const [name, field] of inner) {
      const place = `${path}${/^[^."\s]+$/.test(name) ? name : JSON.stringify(name)}`
      description.set(place, describeField(field))
      if (field.type === 'object' && field.fields) visit(field.fields, `${place}.`)
    }
  }
  visit(fields, '')
  return description
}

function describeField(field: Field): string {
  const words: string[] = [field.type]
  if (field.type === 'array') words.push(`of ${field.of}`)
  if (field.type === 'object' && field.fields === undefined) words.push('of any fields')
  if (field.type === 'object' && field.merge === 'deep') words.push('merged deep')
  if (field.required) words.push('required')
  return words.join(', ')
}

/** `{ env: NAME }`, as in YAML; keys sorted, since the store does not keep their order. */
function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`
  if (typeof value === 'object' && value !== null)
    return `{ ${Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => `${key}: ${inline(inner)}`)
      .join(', ')} }`
  return value === '' ? '""' : String(value)
}
