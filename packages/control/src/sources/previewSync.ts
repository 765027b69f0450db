import { createHash } from 'node:crypto'
import { readAccount } from '@sluice/account-store/accounts'
import { readSchema } from '@sluice/account-store/deployment'
import { type AccountContent, previewUpsert, sameContent } from '@sluice/account-store/previewChange'
import type { Environment } from '@sluice/connectors/secrets'
import { SluiceError } from '@sluice/core/faults'
import { filterBatch } from '@sluice/core/filter/filterBatch'
import { changeColumns, type FilterOptions, plainColumns, rejectedColumns } from '@sluice/core/filter/filteredBatch'
import { scanObject } from '@sluice/core/payload/scanObject'
import { rawRowColumns } from '@sluice/core/rows/rawRow'
import { rejections } from '@sluice/core/rows/rejection'
import type { RowCounts, SkippedFile } from '@sluice/core/run/runReport'
import { knownSync } from '../runs/knownSync.ts'
import type { Store } from '../services.ts'
import { parseCopyLines } from './copyLines.ts'
import { readSample } from './readSample.ts'

const previewRowsMax = 100

export interface PreviewRow {
  /** As the source has them. */
  id: string | null
  updated_at: string | null
  outcome: Exclude<keyof RowCounts, 'read'>
  /** Of the account once the row is applied, if it is created or updated: JSON text, with numbers exactly as stored. */
  attributes?: string
  code?: string
  sentence?: string
  /** Fields by path. */
  dropped_fields?: string[]
  type_mismatches?: string[]
  unstorable_values?: string[]
  /** Scalars that are stored otherwise than they came, as JSON text. */
  converted?: { field: string; from: string; to: string }[]
}

export interface Preview {
  sync: string
  object: string
  /** Where the next run begins; absent: at the beginning. */
  after?: string
  schema_version: number
  rows: PreviewRow[]
  /** Of a source of files only. */
  files?: { skipped: SkippedFile[] }
}

/**
 * §11. The first rows that the next run would read, and what would become of each. Reads the source and the store, writes
 * nothing.
 * @throws SluiceError `sync_missing`, `schema_missing`, and what the source throws
 */
export async function previewSync(
  store: Store,
  { sync, rows, env }: { sync: string; rows: number; env: Environment },
  signal: AbortSignal,
): Promise<Preview> {
  const deployed = await knownSync(store, sync)
  const schema = await readSchema(store)
  if (!schema) throw new SluiceError('schema_missing')
  const sample = await readSample(store, { sync, deployed, rowsMax: Math.min(rows, previewRowsMax), env }, signal)
  const options: FilterOptions = {
    schema,
    onTypeMismatch: deployed.definition.onTypeMismatch,
    order: sample.order,
    timestampDigits: sample.timestampDigits,
    hash: (bytes) => createHash('sha256').update(bytes).digest('hex').slice(0, 32),
  }
  return {
    sync,
    object: sample.object,
    ...(sample.after !== undefined && { after: sample.after }),
    schema_version: schema.version,
    rows: await previewRows(store, sample.lines, options),
    ...(sample.skipped && { files: { skipped: sample.skipped } }),
  }
}

type Columns<Names extends readonly string[]> = Record<Names[number], string | null>

function named<const Names extends readonly string[]>(names: Names, bytes: Uint8Array): Columns<Names>[] {
  return parseCopyLines(bytes).map(
    (columns) => Object.fromEntries(names.map((name, index) => [name, columns[index] ?? null])) as Columns<Names>,
  )
}

async function previewRows(store: Store, lines: Uint8Array[], options: FilterOptions): Promise<PreviewRow[]> {
  const whole = filterBatch(Buffer.concat(lines), options)
  const rejected = new Map(
    named(rejectedColumns, whole.rejected)
      .filter((row) => row.conditional !== 't')
      .map((row) => [Number(row.ordinal), row]),
  )
  const folded = await foldedEffects(store, named(changeColumns, whole.changes))
  const plain = await plainEffects(store, named(plainColumns, whole.plain))

  return lines.map((line, ordinal) => {
    // One row alone, so that its dropped fields are its own.
    const alone = filterBatch(line, options)
    const { report } = alone
    const [raw] = named(rawRowColumns, line)
    const [change] = [...named(plainColumns, alone.plain), ...named(changeColumns, alone.changes)]
    const refusal = rejected.get(ordinal)
    const { outcome, attributes }: Effect = refusal
      ? { outcome: 'rejected' }
      : (folded.get(ordinal) ?? plain.get(change?.id ?? '') ?? { outcome: 'merged' })
    const converted = change?.set && raw?.payload ? conversions(raw.payload, change.set) : []
    return {
      id: raw?.id ?? null,
      updated_at: raw?.updated_at ?? null,
      outcome,
      ...(attributes !== undefined && { attributes }),
      ...(refusal && { code: refusal.code!, sentence: refusal.sentence! }),
      ...(!refusal && outcome === 'rejected' && { code: 'missing_required', sentence: rejections.missing_required }),
      ...names('dropped_fields', report.droppedFields),
      ...names('type_mismatches', report.typeMismatches),
      ...names('unstorable_values', report.unstorableValues),
      ...(converted.length > 0 && { converted }),
    }
  })
}

type Effect = Pick<PreviewRow, 'outcome' | 'attributes'>

/** By id, each of which comes once. */
async function plainEffects(store: Store, rows: Columns<typeof plainColumns>[]): Promise<Map<string, Effect>> {
  const effects = new Map<string, Effect>()
  for (const { id, name, set } of rows) {
    const before = await readContent(store, id!)
    const after = await previewUpsert(store, before, { name: name!, set: set!, remove: null, deep: null })
    effects.set(id!, await effectOf(store, before, after))
  }
  return effects
}

/** §4: by ordinal; the rows that are folded into a later one of the same id are absent. */
async function foldedEffects(store: Store, changes: Columns<typeof changeColumns>[]): Promise<Map<number, Effect>> {
  const effects = new Map<number, Effect>()
  const byId = Map.groupBy(changes, ({ id }) => id!)
  for (const [id, steps] of byId) {
    steps.sort((a, b) => Number(a.step) - Number(b.step))
    const before = await readContent(store, id)
    let content = before
    let last: { ordinal: number; deletes: boolean } | undefined
    for (const step of steps) {
      const ordinal = Number(step.ordinal)
      if (step.kind === 'u' && step.lacks_required === 't' && content === undefined) {
        effects.set(ordinal, { outcome: 'rejected' })
        continue
      }
      last = { ordinal, deletes: step.kind === 'd' }
      content = last.deletes
        ? undefined
        : await previewUpsert(store, content, {
            name: step.name!,
            set: step.set ?? '{}',
            remove: step.remove,
            deep: step.deep,
          })
    }
    if (last) effects.set(last.ordinal, await effectOf(store, before, content))
  }
  return effects
}

async function readContent(store: Store, id: string): Promise<AccountContent | undefined> {
  const stored = await readAccount(store, id)
  return stored && { name: stored.name, attributesJson: stored.attributesJson }
}

async function effectOf(
  store: Store,
  before: AccountContent | undefined,
  after: AccountContent | undefined,
): Promise<Effect> {
  if (!after) return { outcome: before ? 'deleted' : 'ignored' }
  if (before && (await sameContent(store, before, after))) return { outcome: 'unchanged' }
  return { outcome: before ? 'updated' : 'created', attributes: after.attributesJson }
}

/** Top-level scalars whose text differs between what came and what is stored. */
function conversions(payload: string, set: string): NonNullable<PreviewRow['converted']> {
  const came = scalars(payload)
  return [...scalars(set)].flatMap(([field, to]) => {
    const from = came.get(field)
    return from === undefined || from === to ? [] : [{ field, from, to }]
  })
}

function scalars(json: string): Map<string, string> {
  const bytes = Buffer.from(json)
  const found = new Map<string, string>()
  scanObject(bytes, 0, bytes.length, (key, _, start, end) => {
    if (bytes[start] !== 0x7b && bytes[start] !== 0x5b) found.set(key, bytes.toString('utf8', start, end))
  })
  return found
}

function names<Key extends string>(key: Key, tally: Record<string, number>): { [K in Key]?: string[] } {
  const found = Object.keys(tally)
  return found.length === 0 ? {} : ({ [key]: found } as { [K in Key]?: string[] })
}
