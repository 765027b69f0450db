import { readSync } from '@sluice/account-store/deployment'
import { type Claim, claimSync, type LeaseHolder } from '@sluice/account-store/lease'
import { SluiceError } from '@sluice/core/faults'
import type { ConnectInput, ConnectResult } from '@sluice/workflows/activities'
import type { Client } from '@temporalio/client'
import { WorkflowNotFoundError } from '@temporalio/client'
import type { WorkerDependencies } from '../createActivities.ts'
import { framesOf } from '../toApplicationFailure.ts'

/** Claims the sync. A holder whose workflow is closed (terminated, lost) is no hindrance: its claim is taken over. */
export async function connect(
  { store, stage, log, window, batchesPerSegment }: WorkerDependencies,
  client: Client,
  input: ConnectInput,
): Promise<ConnectResult> {
  const sync = await readSync(store, input.sync)
  if (sync === undefined) throw new SluiceError('sync_missing', `Its name is "${input.sync}".`)
  let claim: Claim = await claimSync(store, input)
  if (!claim.claimed && !(await isOpen(client, claim.holder)))
    claim = await claimSync(store, { ...input, takeOverFrom: claim.holder.runId })
  if (!claim.claimed) return { claimed: false, holder: claim.holder.runId }
  // No other run of the sync is at work now; a stage that cannot be emptied must not keep this one from its own.
  await stage
    .removeOtherRuns(input.sync, input.runId)
    .catch((error) => log.warn({ sync: input.sync, frames: framesOf(error) }, 'stage of other runs not removed'))

  const { definition } = sync
  return {
    claimed: true,
    token: claim.token,
    source: definition.connection,
    schema: claim.schema,
    ...(claim.watermark && { watermark: claim.watermark }),
    settings: {
      retryForMs: definition.limits.retryForMs,
      queryTimeoutMs: definition.limits.queryTimeoutMs,
      rowsPerRunMax: definition.limits.rowsPerRun,
      onTypeMismatch: definition.onTypeMismatch,
      window,
      batchesPerSegment,
      ...(definition.stopWhen && { stopWhen: definition.stopWhen }),
    },
  }
}

/** Whether the holder's workflow, or what it continued as, still runs. A later run may have the same workflow id. */
async function isOpen(client: Client, holder: LeaseHolder): Promise<boolean> {
  try {
    const latest = await client.workflow.getHandle(holder.workflowId).describe()
    return (
      latest.raw.workflowExecutionInfo?.firstRunId === holder.runId &&
      (latest.status.name === 'RUNNING' || latest.status.name === 'PAUSED')
    )
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false
    throw error
  }
}
