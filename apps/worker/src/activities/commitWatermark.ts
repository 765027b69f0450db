import { commitWatermark as commit } from '@sluice/account-store/commitWatermark'
import type { CommitWatermarkInput, CommitWatermarkResult } from '@sluice/workflows/activities'
import type { WorkerDependencies } from '../createActivities.ts'
import { framesOf } from '../toApplicationFailure.ts'

/** The staged batches go only after the commit: until then they may have to be filtered and applied again. */
export async function commitWatermark(
  { store, stage, log }: WorkerDependencies,
  input: CommitWatermarkInput,
): Promise<CommitWatermarkResult> {
  const { free, ...watermark } = input
  const result = await commit(store, watermark)
  // The commit stands, and finishRun empties the stage of the run in any case.
  await stage
    .remove(free)
    .catch((error) => log.warn({ sync: input.run.sync, frames: framesOf(error) }, 'staged batches not removed'))
  return result
}
