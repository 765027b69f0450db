import { finishRun as finish } from '@sluice/account-store/finishRun'
import type { FinishRunInput, FinishRunResult } from '@sluice/workflows/activities'
import type { WorkerDependencies } from '../createActivities.ts'
import { framesOf } from '../toApplicationFailure.ts'

/** A stage that cannot be emptied must not keep the run from ending. */
export async function finishRun(
  { store, stage, log }: WorkerDependencies,
  input: FinishRunInput,
): Promise<FinishRunResult> {
  const { sync, runId } = input.run
  const finished = await finish(store, input)
  await stage
    .removeRun(sync, runId)
    .catch((error) => log.warn({ sync, runId, frames: framesOf(error) }, 'stage of the run not removed'))
  return finished
}
