import { taskQueue } from '@sluice/workflows/names'
import { type NativeConnection, Worker, type WorkflowBundleOption } from '@temporalio/worker'
import { createActivities, type WorkerDependencies } from './createActivities.ts'

export interface CreateWorkerOptions {
  connection: NativeConnection
  namespace: string
  workflowBundle: WorkflowBundleOption
  dependencies: WorkerDependencies
  /** Activities under way get so long before they are cancelled, and then so long again to end. */
  shutdownGraceMs: number
}

export async function createWorker({
  connection,
  namespace,
  workflowBundle,
  dependencies,
  shutdownGraceMs,
}: CreateWorkerOptions): Promise<Worker> {
  return await Worker.create({
    connection,
    namespace,
    taskQueue,
    workflowBundle,
    activities: createActivities(dependencies),
    // After a worker died, its workflows go to another one after this time, not after 10 s.
    stickyQueueScheduleToStartTimeout: '2s',
    // A cancelled activity learns of it by its next heartbeat.
    maxHeartbeatThrottleInterval: '1s',
    shutdownGraceTime: shutdownGraceMs,
    shutdownForceTime: shutdownGraceMs * 2,
  })
}
