import { readSchema } from '@sluice/account-store/deployment'
import { SluiceError } from '@sluice/core/faults'
import { syncRunType, taskQueue, workflowId } from '@sluice/workflows/names'
import type { SyncRunInput } from '@sluice/workflows/syncRunInput'
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client'
import { Refusal } from '../refusal.ts'
import type { Services } from '../services.ts'
import { runLabels } from '../temporal/schedules.ts'
import { withTemporalFaults } from '../temporal/temporalFaults.ts'
import { askProgress } from './askProgress.ts'
import { findOpenRun, type OpenRun } from './findOpenRun.ts'
import { knownSync } from './knownSync.ts'

export interface StartedRun {
  sync: string
  workflowId: string
  /** Temporal's first execution run id: the run's id everywhere. */
  runId: string
}

/**
 * Starts a run now. §7: one at a time; the lease is looked at first, and the workflow's id is fixed, so that of two who
 * start at once one is refused.
 * @throws Refusal `another_job_in_progress`; SluiceError `sync_missing`, `schema_missing`
 */
export async function startRun(services: Services, sync: string): Promise<StartedRun> {
  const { definition } = await knownSync(services.store, sync)
  if (!(await readSchema(services.store))) throw new SluiceError('schema_missing')
  const open = await findOpenRun(services, sync)
  if (open?.status === 'paused') throw await pausedJob(services, sync, open)
  if (open) throw anotherJob(sync, open.runId)
  const id = workflowId(sync, 'manual')
  const input: SyncRunInput = { sync, kind: 'manual' }
  return withTemporalFaults(async () => {
    try {
      const handle = await services.temporal.workflow.start(syncRunType, {
        workflowId: id,
        workflowIdConflictPolicy: 'FAIL',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        taskQueue,
        args: [input],
        ...runLabels(sync, definition),
      })
      return { sync, workflowId: id, runId: handle.firstExecutionRunId }
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) throw anotherJob(sync)
      throw error
    }
  })
}

async function pausedJob({ temporal }: Services, sync: string, { runId, workflowId }: OpenRun): Promise<Refusal> {
  const pause = (await askProgress(temporal, workflowId))?.paused
  return new Refusal('refused', 'another_job_in_progress', {
    sentence: `Another job is in progress: the run ${runId} of ${sync} is paused${pause ? ` by ${pause.by} since ${pause.since}: ${pause.reason}` : ''}.`,
    remedy: `Let it go on with \`sluice sync resume ${sync}\`, or end it with \`sluice sync cancel ${sync}\`.`,
  })
}

export function anotherJob(sync: string, runId?: string): Refusal {
  return new Refusal('refused', 'another_job_in_progress', {
    sentence: `Another job is in progress: the sync ${sync} is running${runId === undefined ? '' : ` (run ${runId})`}.`,
    remedy:
      runId === undefined
        ? `Wait for its end, or stop it with \`sluice sync cancel ${sync}\`.`
        : `Watch it with \`sluice run watch ${runId}\`, or stop it with \`sluice sync cancel ${sync}\`.`,
  })
}
