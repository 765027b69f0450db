import { dirname, resolve } from 'node:path'
import { anchorPaths } from '@sluice/connectors/anchorPaths'
import { splitName } from '@sluice/connectors/postgres/quoteIdentifier'
import type { ConnectionDefinition, SyncDefinition } from '@sluice/core/config/syncDefinition'
import type { Field, Fields } from '@sluice/core/schema/accountSchema'
import { z } from 'zod'
import { type ConfigurationSpec, configurationSpec, type FieldSpec, syncSpec } from './configurationSpec.ts'
import { nearest } from './nearest.ts'
import { ConfigurationProblems, type Problem, pathText } from './problem.ts'
import { readYaml } from './readYaml.ts'

/** What a file asks for, in core's terms: defaults filled in, durations in milliseconds, sizes in bytes, paths absolute. */
export interface Configuration {
  /** Absent: the file does not speak of the schema, and the one in force stays. */
  fields?: Fields
  connections: Record<string, ConnectionDefinition>
  syncs: Record<string, SyncDefinition>
  quota?: { accounts?: number; bytes?: number }
}

/**
 * @param file Absolute path: relative paths in the file start at its folder.
 * @param shownAs What problems call the file.
 * @throws ConfigurationProblems all of them, in the order of the lines
 */
export function parseConfiguration(bytes: Uint8Array, file: string, shownAs = 'sluice.yaml'): Configuration {
  const yaml = readYaml(bytes)
  const problems: Problem[] = [...yaml.problems]
  const report = (path: readonly PropertyKey[], sentence: string) => {
    const line = yaml.lineOf(path)
    problems.push({ path: pathText(path), sentence, ...(line !== undefined && { line }) })
  }
  const fail = () => {
    problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
    return new ConfigurationProblems(shownAs, problems)
  }
  if (yaml.value === undefined) throw fail()

  const value = withoutEmptySections(yaml.value)
  const parsed = configurationSpec.safeParse(value)
  if (!parsed.success) for (const issue of parsed.error.issues) reportIssue(issue, value, report)
  if (problems.length > 0 || !parsed.success) throw fail()

  checkReferences(parsed.data, report)
  if (problems.length > 0) throw fail()

  const { schema, connections, syncs, store } = parsed.data
  const folder = dirname(file)
  return {
    ...(schema && { fields: fieldPairs(schema.fields) }),
    connections: mapValues(connections, (connection) => anchorPaths(connection, folder)),
    syncs: mapValues(syncs, (sync) => syncDefinition(sync, folder)),
    ...(store?.quota && { quota: defined(store.quota) }),
  }
}

/** `syncs:` with nothing below it is how an emptied section looks. */
function withoutEmptySections(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([, section]) => section !== null))
}

function reportIssue(
  issue: z.core.$ZodIssue,
  root: unknown,
  report: (path: readonly PropertyKey[], sentence: string) => void,
): void {
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(issue.path, root)
    for (const key of issue.keys) {
      const meant = nearest(key, known)
      report(
        [...issue.path, key],
        `there is no such key; ${meant ? `did you mean \`${meant}\`?` : `expected ${known.join(', ')}`}`,
      )
    }
    return
  }
  const given = valueAt(root, issue.path)
  if (issue.code === 'invalid_key') {
    report(issue.path, issue.issues[0]?.message ?? issue.message)
    return
  }
  const sentence = issue.message.replace(/^(Invalid input|Too small|Too big): /, '')
  report(issue.path, given === undefined && issue.code !== 'custom' ? `is missing; ${sentence}` : sentence)
}

function checkReferences(
  spec: ConfigurationSpec,
  report: (path: readonly PropertyKey[], sentence: string) => void,
): void {
  for (const [name, sync] of Object.entries(spec.syncs)) {
    const connection = Object.hasOwn(spec.connections, sync.connection) ? spec.connections[sync.connection] : undefined
    if (!connection) {
      const meant = nearest(sync.connection, Object.keys(spec.connections))
      report(
        ['syncs', name, 'connection'],
        `there is no such connection; ${meant ? `did you mean \`${meant}\`?` : 'add it under `connections`'}`,
      )
      continue
    }
    const isFiles = connection.type === 'folder'
    const { source } = sync
    if (isFiles && source.prefix === undefined)
      report(
        ['syncs', name, 'source'],
        `a connection of type ${connection.type} holds files: give { prefix: …, format: jsonl or csv }`,
      )
    if (!isFiles && source.prefix !== undefined)
      report(
        ['syncs', name, 'source'],
        `a connection of type ${connection.type} holds tables: give { table: … } or { query: … }`,
      )
    const misnamed = connection.type === 'postgres' && source.table !== undefined && tableProblem(source.table)
    if (misnamed)
      report(
        ['syncs', name, 'source', 'table'],
        `this is no name of a table: ${misnamed}; write schema.table, a part with dots or quotes in it as "a.b"`,
      )
    if (isFiles && sync.lookback > 0)
      report(['syncs', name, 'lookback'], 'files have no UPDATED_AT to look back at; leave it out')
    if (!isFiles && sync.overwrites === 'reprocess')
      report(['syncs', name, 'overwrites'], 'only files are overwritten; leave it out')
  }
}

function tableProblem(table: string): string | undefined {
  try {
    return splitName(table).length > 3 ? 'it has more parts than database, schema and table' : undefined
  } catch (error) {
    return (error as Error).message
  }
}

function fieldPairs(fields: ReadonlyMap<string, FieldSpec>): Fields {
  return [...fields].map(([name, field]) => [name, fieldOf(field)] as const)
}

function fieldOf({ type, of, fields, merge, required }: FieldSpec): Field {
  const requirement = required ? { required } : {}
  if (type === 'array') return { type, of: of!, ...requirement }
  if (type !== 'object') return { type, ...requirement }
  return { type, ...(fields && { fields: fieldPairs(fields) }), ...(merge === 'deep' && { merge }), ...requirement }
}

/** A sync for which sluice.yaml says no more than this. */
export function defaultSync(source: SyncDefinition['source']): SyncDefinition {
  return syncDefinition(syncSpec.parse({ connection: 'any', source }), '/')
}

function syncDefinition(sync: ConfigurationSpec['syncs'][string], folder: string): SyncDefinition {
  const { source, schedule, stop_when: stopWhen } = sync
  return {
    connection: sync.connection,
    source:
      source.table !== undefined
        ? { table: source.table }
        : source.query !== undefined
          ? { query: source.query }
          : { prefix: source.prefix!, format: source.format! },
    ...(schedule && {
      schedule:
        schedule.every !== undefined
          ? { everyMs: schedule.every }
          : { cron: schedule.cron!, timeZone: schedule.time_zone ?? 'UTC' },
    }),
    lookbackMs: sync.lookback,
    onTypeMismatch: sync.on_type_mismatch,
    overwrites: sync.overwrites,
    ...(stopWhen && {
      stopWhen: defined({ rejectedRows: stopWhen.rejected_rows, rejectedShare: stopWhen.rejected_share }),
    }),
    batch: sync.batch,
    limits: {
      rowsPerRun: sync.limits.rows_per_run,
      queryTimeoutMs: sync.limits.query_timeout,
      retryForMs: sync.limits.retry_for,
    },
    ...(sync.notify && {
      notify: sync.notify.map(({ webhook, on }) => ({
        webhook: 'file' in webhook ? { file: resolve(folder, webhook.file) } : webhook,
        on,
      })),
    }),
  }
}

/** The keys that the object at the path may have: what a misspelt one was meant to be. */
function knownKeys(path: readonly PropertyKey[], root: unknown): string[] {
  let schema: z.core.$ZodType = configurationSpec
  for (const [depth, key] of [...path.entries(), [path.length, ''] as const]) {
    schema = bare(schema, () => valueAt(root, path.slice(0, depth)))
    if (depth === path.length) break
    const { def } = schema._zod as z.core.$ZodTypes['_zod']
    if (def.type === 'object') schema = def.shape[String(key)]!
    else if (def.type === 'record' || def.type === 'map') schema = def.valueType
    else if (def.type === 'array') schema = def.element
    else return []
  }
  const { def } = schema._zod as z.core.$ZodTypes['_zod']
  return def.type === 'object' ? Object.keys(def.shape) : []
}

/** The schema inside `optional`, `default` …; of a union by type, the arm that the value chose. */
function bare(schema: z.core.$ZodType, given: () => unknown): z.core.$ZodType {
  const { def } = schema._zod as z.core.$ZodTypes['_zod']
  if ('innerType' in def) return bare(def.innerType, given)
  if (def.type === 'lazy') return bare(def.getter(), given)
  if (def.type === 'pipe') return bare(def.in, given)
  if (def.type === 'union') {
    const type = valueAt(given(), ['type'])
    const arm = def.options.find((option) => {
      const { def: inner } = option._zod as z.core.$ZodTypes['_zod']
      return inner.type === 'object' && inner.shape.type && z.safeParse(inner.shape.type, type).success
    })
    return arm ?? schema
  }
  return schema
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root
  for (const key of path) {
    if (value instanceof Map) value = value.get(key)
    else if (typeof value === 'object' && value !== null && Object.hasOwn(value, key))
      value = (value as Record<PropertyKey, unknown>)[key]
    else return undefined
  }
  return value
}

function mapValues<From, To>(record: Record<string, From>, to: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, to(value)]))
}

/** Without the keys that hold nothing. */
function defined<T extends object>(record: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as never
}
