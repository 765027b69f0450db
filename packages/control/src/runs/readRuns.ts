import { listRuns, readRun } from '@sluice/account-store/runs'
import type { RunReport } from '@sluice/core/run/runReport'
import { searchAttributes } from '@sluice/workflows/names'
import type { Client } from '@temporalio/client'
import { Refusal } from '../refusal.ts'
import type { Services, Store } from '../services.ts'
import { withTemporalFaults } from '../temporal/temporalFaults.ts'
import { type TemporalUi, temporalUrl } from '../temporal/temporalUrl.ts'
import { knownSync } from './knownSync.ts'
import type { StartedRun } from './startRun.ts'

export function withUrl(report: RunReport, ui: TemporalUi | undefined): RunReport {
  const { run_id, sync, kind, status, workflow_id, ...rest } = report
  const url = temporalUrl(ui, { workflowId: workflow_id, runId: run_id })
  return { run_id, sync, kind, status, workflow_id, ...(url !== undefined && { temporal_url: url }), ...rest }
}

/** Newest first. @throws SluiceError `sync_missing` */
export async function readRuns(store: Store, { sync, limit }: { sync?: string; limit: number }): Promise<RunReport[]> {
  if (sync !== undefined) await knownSync(store, sync)
  return listRuns(store, { limit, ...(sync !== undefined && { sync }) })
}

/** @throws Refusal `run_missing` */
export async function showRun(store: Store, runId: string): Promise<RunReport> {
  const report = await readRun(store, runId)
  if (!report) throw runMissing(runId)
  return report
}

/** A run by its id, also one that was started a moment ago and has written nothing yet. @throws Refusal `run_missing` */
export async function findRun({ store, temporal }: Services, runId: string): Promise<StartedRun> {
  const report = await readRun(store, runId)
  if (report) return { sync: report.sync, workflowId: report.workflow_id, runId }
  return (await findWorkflow(temporal, runId)) ?? Promise.reject(runMissing(runId))
}

async function findWorkflow(temporal: Client, runId: string): Promise<StartedRun | undefined> {
  if (!/^[\w-]{1,64}$/.test(runId)) return undefined
  return withTemporalFaults(async () => {
    for await (const { workflowId, typedSearchAttributes } of temporal.workflow.list({ query: `RunId = '${runId}'` })) {
      const sync = typedSearchAttributes.get(searchAttributes.sync)
      if (typeof sync === 'string') return { sync, workflowId, runId }
    }
    return undefined
  })
}

function runMissing(runId: string): Refusal {
  return new Refusal('wrong_usage', 'run_missing', {
    sentence: `There is no run ${JSON.stringify(runId)}.`,
    remedy: 'See `sluice run list` for the runs that are kept.',
  })
}
