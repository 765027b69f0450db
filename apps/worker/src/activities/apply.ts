import { applyBatch } from '@sluice/account-store/apply/applyBatch'
import { SluiceError } from '@sluice/core/faults'
import type { ApplyInput, ApplyResult } from '@sluice/workflows/activities'
import type { WorkerDependencies } from '../createActivities.ts'

export async function apply({ store, stage }: WorkerDependencies, input: ApplyInput): Promise<ApplyResult> {
  const { header, sections } = await stage.read(input.changes)
  if (header.kind !== 'changes') throw new SluiceError('stage_corrupt', 'It does not hold changes.')
  const { run, segment, batch, schema } = input
  const [plain, changes, rejected] = sections as [Uint8Array, Uint8Array, Uint8Array]
  return await applyBatch(store, { run, segment, batch, schema, header, plain, changes, rejected })
}
