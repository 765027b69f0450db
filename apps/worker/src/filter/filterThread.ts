import { hash } from 'node:crypto'
import { SluiceError } from '@sluice/core/faults'
import { filterBatch } from '@sluice/core/filter/filterBatch'
import type { AccountSchema } from '@sluice/core/schema/accountSchema'
import { openStage } from '@sluice/stage/openStage'
import type { SchemaFilterResult } from '@sluice/workflows/activities'
import { workerData } from 'piscina'
import type { FilterAnswer, FilterTask } from './filterTask.ts'

const { stageUri } = workerData as { stageUri: string }
const stage = openStage(stageUri)

/** One object a version, so that core compiles it once. */
const schemas = new Map<number, AccountSchema>()

export default async function filterInThread(task: FilterTask): Promise<FilterAnswer> {
  try {
    return { result: await filterStaged(task) }
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    return { fault: { code: error.code, ...(error.detail !== undefined && { detail: error.detail }) } }
  }
}

async function filterStaged({ raw, schema, onTypeMismatch }: FilterTask): Promise<SchemaFilterResult> {
  const { header, sections } = await stage.read(raw)
  if (header.kind !== 'raw') throw new SluiceError('stage_corrupt', 'It does not hold raw rows.')
  const { plain, changes, rejected, report } = filterBatch(sections[0]!, {
    schema: sameObject(schema),
    onTypeMismatch,
    order: header.order,
    timestampDigits: header.timestampDigits,
    ...(header.volatileFrom !== undefined && { volatileFrom: header.volatileFrom }),
    hash: (bytes) => hash('sha256', bytes, 'hex').slice(0, 32),
  })
  const staged = await stage.write(
    changesKey(raw.uri, schema.version),
    {
      kind: 'changes',
      sections: { plain: plain.byteLength, changes: changes.byteLength, rejected: rejected.byteLength },
      report,
      ...(header.files && { files: header.files }),
    },
    [plain, changes, rejected],
  )
  const { rows, firstUpdatedAt, lastUpdatedAt } = raw
  return {
    changes: { ...staged, rows, ...(firstUpdatedAt && { firstUpdatedAt }), ...(lastUpdatedAt && { lastUpdatedAt }) },
    rejected: report.rowsRejected,
  }
}

function sameObject(schema: AccountSchema): AccountSchema {
  const known = schemas.get(schema.version)
  if (known) return known
  schemas.set(schema.version, schema)
  return schema
}

/** Beside the raw object. The same batch under the same schema gives the same bytes, so another attempt may write it again. */
function changesKey(rawUri: string, version: number): string {
  const [sync, runId, name] = rawUri.split('/').slice(-3)
  return `${sync}/${runId}/${name!.replace(/\.raw$/, '')}.v${version}.changes`
}
