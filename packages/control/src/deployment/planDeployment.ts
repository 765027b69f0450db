import { type Deployment, sameSource } from '@sluice/account-store/deployment'
import type { SyncDefinition } from '@sluice/core/config/syncDefinition'
import type { Field, Fields } from '@sluice/core/schema/accountSchema'
import type { Configuration } from '../config/parseConfiguration.ts'
import type { ScheduleState } from '../temporal/schedules.ts'
import {
  type Description,
  describeConnection,
  describeFields,
  describeSchedule,
  describeSync,
} from './describeDefinition.ts'

export interface Change {
  what: 'connection' | 'sync' | 'schedule' | 'field' | 'quota'
  /** Of the connection or sync; path of the field; `accounts` or `bytes`. */
  name: string
  action: 'add' | 'change' | 'remove'
  /** What differs, key by key. */
  details: { key: string; from?: string; to?: string }[]
  /** What else this means. */
  note?: string
}

/** What stands in the store and in Temporal. */
export interface Deployed {
  deployment: Deployment
  /** By sync; also of syncs that are in the file only. */
  schedules: ReadonlyMap<string, ScheduleState>
}

/** The difference between a file and what is deployed; empty if there is none. Pure. */
export function planDeployment(configuration: Configuration, { deployment, schedules }: Deployed): Change[] {
  return [
    ...(configuration.fields ? fieldChanges(deployment.schema?.fields ?? [], configuration.fields) : []),
    ...changes('connection', deployment.connections, configuration.connections, describeConnection),
    ...changes('sync', deployment.syncs, configuration.syncs, describeSync).map((change) =>
      withRestart(change, deployment, configuration),
    ),
    ...scheduleChanges(configuration.syncs, schedules),
    ...quotaChanges(deployment.quota, configuration.quota ?? {}),
  ]
}

function changes<Definition>(
  what: 'connection' | 'sync',
  from: Record<string, Definition>,
  to: Record<string, Definition>,
  describe: (definition: Definition) => Description,
): Change[] {
  const found: Change[] = []
  for (const name of [...new Set([...Object.keys(from), ...Object.keys(to)])].sort()) {
    const before = from[name] && describe(from[name])
    const after = to[name] && describe(to[name])
    const details = differences(before ?? new Map(), after ?? new Map())
    if (!before) found.push({ what, name, action: 'add', details })
    else if (!after) found.push({ what, name, action: 'remove', details: [] })
    else if (details.length > 0) found.push({ what, name, action: 'change', details })
  }
  return found
}

function withRestart(change: Change, deployment: Deployment, configuration: Configuration): Change {
  const before = deployment.syncs[change.name]
  const after = configuration.syncs[change.name]
  if (!before) return change
  if (!after) return { ...change, note: 'its watermark goes; the accounts it brought stay' }
  return sameSource(before, after)
    ? change
    : { ...change, note: 'another source: the next run reads it from the beginning' }
}

function scheduleChanges(
  syncs: Record<string, SyncDefinition>,
  schedules: ReadonlyMap<string, ScheduleState>,
): Change[] {
  const found: Change[] = []
  for (const name of [...new Set([...Object.keys(syncs), ...schedules.keys()])].sort()) {
    const state = schedules.get(name)
    const wanted = syncs[name]?.schedule
    const from = state && (state.schedule ? describeSchedule(state.schedule) : 'times set by hand')
    const to = wanted && describeSchedule(wanted)
    if (from === to) continue
    found.push({
      what: 'schedule',
      name,
      action: from === undefined ? 'add' : to === undefined ? 'remove' : 'change',
      details: [{ key: 'times', ...(from !== undefined && { from }), ...(to !== undefined && { to }) }],
      ...(state?.paused && to !== undefined && { note: 'it is paused and stays so' }),
    })
  }
  return found
}

/** The order of fields means nothing. */
function fieldChanges(from: Fields, to: Fields): Change[] {
  const before = describeFields(from)
  const after = describeFields(to)
  return differences(before, after).map(({ key: name, from, to }) => ({
    what: 'field',
    name,
    action: from === undefined ? 'add' : to === undefined ? 'remove' : 'change',
    details: [{ key: 'type', ...(from !== undefined && { from }), ...(to !== undefined && { to }) }],
  }))
}

function quotaChanges(from: NonNullable<Configuration['quota']>, to: NonNullable<Configuration['quota']>): Change[] {
  const text = (quota: typeof from) => new Map(Object.entries(quota).map(([key, value]) => [key, String(value)]))
  return differences(text(from), text(to)).map((detail) => ({
    what: 'quota',
    name: detail.key,
    action: detail.from === undefined ? 'add' : detail.to === undefined ? 'remove' : 'change',
    details: [detail],
  }))
}

function differences(from: Description, to: Description): Change['details'] {
  const found: Change['details'] = []
  for (const key of new Set([...from.keys(), ...to.keys()])) {
    const before = from.get(key)
    const after = to.get(key)
    if (before !== after)
      found.push({ key, ...(before !== undefined && { from: before }), ...(after !== undefined && { to: after }) })
  }
  return found
}

/**
 * Fields whose stored values would no longer fit: removed, of another type, or objects that from now on keep fewer of
 * their fields.
 */
export function lossyFields(from: Fields, to: Fields): string[] {
  const lossy: string[] = []
  const visit = (before: Fields, after: Fields, path: string) => {
    const now = new Map(after)
    for (const [name, field] of before) {
      const other = now.get(name)
      const place = `${path}${name}`
      if (!other) lossy.push(place)
      else if (field.type === 'array' && other.type === 'array') {
        if (!holds(other.of, field.of)) lossy.push(place)
      } else if (!holds(other.type, field.type)) lossy.push(place)
      else if (field.type === 'object' && other.type === 'object' && other.fields) {
        if (field.fields) visit(field.fields, other.fields, `${place}.`)
        else lossy.push(place)
      }
    }
  }
  visit(from, to, '')
  return lossy
}

/** Whether every stored value of the one type is one of the other. */
function holds(type: Field['type'], stored: Field['type']): boolean {
  return type === stored || (type === 'number' && stored === 'integer')
}
