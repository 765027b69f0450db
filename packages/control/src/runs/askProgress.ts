import { progress, type RunProgress } from '@sluice/workflows/messages'
import type { Client } from '@temporalio/client'

const queryMs = 3000

/** What an open run says of itself. Absent: no worker answers, or it has just ended. */
export async function askProgress(temporal: Client, workflowId: string): Promise<RunProgress | undefined> {
  try {
    return await temporal.withDeadline(Date.now() + queryMs, () =>
      temporal.workflow.getHandle(workflowId).query(progress),
    )
  } catch {
    return undefined
  }
}
