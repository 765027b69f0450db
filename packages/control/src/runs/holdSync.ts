import { setTimeout as sleep } from 'node:timers/promises'
import type { RunReport } from '@sluice/core/run/runReport'
import { pause, resume } from '@sluice/workflows/messages'
import { scheduleId } from '@sluice/workflows/names'
import { Refusal } from '../refusal.ts'
import type { Services } from '../services.ts'
import { readSchedule } from '../temporal/schedules.ts'
import { withTemporalFaults } from '../temporal/temporalFaults.ts'
import { findOpenRun, type OpenRun } from './findOpenRun.ts'
import { knownSync } from './knownSync.ts'
import { waitForRun } from './watchRun.ts'

export interface SyncHold {
  sync: string
  schedule: 'none' | 'paused' | 'active'
  /** The run in progress, if there is one. */
  run?: { run_id: string; status: OpenRun['status'] }
}

/**
 * §8. Pauses the schedule with the reason and the person, tells a run in progress to pause, and waits until it stands
 * still or has ended. Aborting the signal stops the waiting alone.
 */
export async function pauseSync(
  services: Services,
  sync: string,
  { reason, by }: { reason: string; by: string },
  signal: AbortSignal,
): Promise<SyncHold> {
  await knownSync(services.store, sync)
  const { temporal } = services
  if (await readSchedule(temporal, sync))
    await withTemporalFaults(() => temporal.schedule.getHandle(scheduleId(sync)).pause(`${reason} (${by})`))
  for (let told: string | undefined; ; ) {
    const run = await findOpenRun(services, sync)
    if (!run || run.status === 'paused') return readHold(services, sync, run)
    if (told !== run.runId)
      await withTemporalFaults(() => temporal.workflow.getHandle(run.workflowId).signal(pause, { reason, by }))
    told = run.runId
    await sleep(300, undefined, { signal })
  }
}

/** Lets the run in progress go on and the schedule with it. */
export async function resumeSync(services: Services, sync: string, by: string): Promise<SyncHold> {
  await knownSync(services.store, sync)
  const { temporal } = services
  const run = await findOpenRun(services, sync)
  if (run) await withTemporalFaults(() => temporal.workflow.getHandle(run.workflowId).signal(resume, { by }))
  if (await readSchedule(temporal, sync))
    await withTemporalFaults(() => temporal.schedule.getHandle(scheduleId(sync)).unpause(`resumed (${by})`))
  return readHold(services, sync, run && { ...run, status: 'running' })
}

/** Asks the run in progress to end at the next committed point, and waits for its end. @throws Refusal `no_run_in_progress` */
export async function cancelRun(services: Services, sync: string, signal: AbortSignal): Promise<RunReport> {
  await knownSync(services.store, sync)
  const run = await findOpenRun(services, sync)
  if (!run)
    throw new Refusal('refused', 'no_run_in_progress', {
      sentence: `The sync ${sync} has no run in progress.`,
      remedy: `See \`sluice run list --sync ${sync}\`.`,
    })
  await withTemporalFaults(() => services.temporal.workflow.getHandle(run.workflowId).cancel())
  return waitForRun(services, { sync, workflowId: run.workflowId, runId: run.runId }, signal)
}

async function readHold({ temporal }: Services, sync: string, run: OpenRun | undefined): Promise<SyncHold> {
  const schedule = await readSchedule(temporal, sync)
  return {
    sync,
    schedule: schedule === undefined ? 'none' : schedule.paused ? 'paused' : 'active',
    ...(run && { run: { run_id: run.runId, status: run.status } }),
  }
}
