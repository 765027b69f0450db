import { readLease } from '@sluice/account-store/lease'
import { readRun } from '@sluice/account-store/runs'
import { searchAttributes, syncRunType, workflowId } from '@sluice/workflows/names'
import { type Client, WorkflowNotFoundError } from '@temporalio/client'
import type { Services } from '../services.ts'
import { withTemporalFaults } from '../temporal/temporalFaults.ts'

export interface OpenRun {
  workflowId: string
  /** Temporal's first execution run id. */
  runId: string
  /** `paused`: it stands still. A run that has not claimed its sync yet counts as running. */
  status: 'running' | 'paused'
}

/** The run of a sync that is in progress: the holder of its lease, or one that has not claimed it yet. */
export async function findOpenRun({ store, temporal }: Services, sync: string): Promise<OpenRun | undefined> {
  const lease = await readLease(store, sync)
  if (lease && (await openRunIdOf(temporal, lease.workflowId)) === lease.runId) {
    const run = await readRun(store, lease.runId)
    return { workflowId: lease.workflowId, runId: lease.runId, status: run?.status === 'paused' ? 'paused' : 'running' }
  }
  const byHand = workflowId(sync, 'manual')
  const runId = await openRunIdOf(temporal, byHand)
  return runId === undefined ? unclaimedRun(temporal, sync) : { workflowId: byHand, runId, status: 'running' }
}

/** One that its schedule started: the id holds its time, so that only Temporal's visibility, which lags a moment, knows it. */
async function unclaimedRun(temporal: Client, sync: string): Promise<OpenRun | undefined> {
  const query = `${searchAttributes.sync.name} = "${sync}" AND WorkflowType = "${syncRunType}" AND ExecutionStatus = "Running"`
  return withTemporalFaults(async () => {
    for await (const { workflowId } of temporal.workflow.list({ query })) {
      const runId = await openRunIdOf(temporal, workflowId)
      if (runId !== undefined) return { workflowId, runId, status: 'running' }
    }
    return undefined
  })
}

/** First execution run id of the open workflow of this id. */
async function openRunIdOf(temporal: Client, id: string): Promise<string | undefined> {
  return withTemporalFaults(async () => {
    try {
      const description = await temporal.workflow.getHandle(id).describe()
      if (description.status.name !== 'RUNNING') return undefined
      return description.raw.workflowExecutionInfo?.firstRunId || description.runId
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined
      throw error
    }
  })
}
