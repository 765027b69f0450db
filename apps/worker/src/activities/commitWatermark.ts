import { commitWatermark as commit } from '@sluice/account-store/commitWatermark'
import type { CommitWatermarkInput, CommitWatermarkResult } from '@sluice/workflows/activities'
import type { WorkerDependencies } from '../createActivities.ts'

/** The staged batches go only after the commit: until then they may have to be filtered and applied again. */
export async function commitWatermark(
  { store, stage }: WorkerDependencies,
  input: CommitWatermarkInput,
): Promise<CommitWatermarkResult> {
  const { free, ...watermark } = input
  const result = await commit(store, watermark)
  await stage.remove(free)
  return result
}
