import { setTimeout as sleep } from 'node:timers/promises'
import { readRun } from '@sluice/account-store/runs'
import { type FaultCode, type FaultReport, faults, SluiceError } from '@sluice/core/faults'
import type { RunKind, RunReport, RunStatus } from '@sluice/core/run/runReport'
import type { RunProgress } from '@sluice/workflows/messages'
import type { SyncRunResult } from '@sluice/workflows/syncRunInput'
import {
  type Client,
  type WorkflowExecutionDescription,
  WorkflowFailedError,
  WorkflowNotFoundError,
} from '@temporalio/client'
import type { Services } from '../services.ts'
import { temporalFault } from '../temporal/temporalFaults.ts'
import { askProgress } from './askProgress.ts'
import { anotherJob, type StartedRun } from './startRun.ts'
import { type Waiting, waitingActivity } from './waitingActivity.ts'

/** Where a run is: what `run watch` yields, one a change. While no worker answers, only what Temporal itself knows. */
export interface RunView {
  run_id: string
  sync: string
  phase?: RunProgress['phase']
  segment?: number
  batches?: { extracted: number; applied: number }
  rows?: { extracted: number; applied: number; rejected: number }
  watermark?: string
  paused?: { reason: string; by: string; since: string }
  waiting?: Waiting
}

const pollMs = 400

/**
 * Yields where the run is, whenever that changes, until it ends; returns its report. Goes on by itself when Temporal or
 * the store are away for a while: that is a `waiting` like another.
 * @throws Refusal `another_job_in_progress` if the run found one in progress
 */
export async function* watchRun(
  services: Services,
  run: StartedRun,
  signal: AbortSignal,
): AsyncGenerator<RunView, RunReport> {
  let shown = ''
  for (let poll = 0; ; poll++) {
    signal.throwIfAborted()
    const seen = await look(services, run)
    if ('report' in seen) return seen.report
    const text = JSON.stringify(seen.view)
    if (text !== shown) yield seen.view
    shown = text
    // A small run is over in a second: the first looks are near each other.
    await sleep(Math.min(pollMs, 50 * (poll + 1)), undefined, { signal })
  }
}

/** Waits for the end, telling nothing on the way. */
export async function waitForRun(services: Services, run: StartedRun, signal: AbortSignal): Promise<RunReport> {
  const views = watchRun(services, run, signal)
  for (;;) {
    const { done, value } = await views.next()
    if (done) return value
  }
}

async function look(services: Services, run: StartedRun): Promise<{ view: RunView } | { report: RunReport }> {
  const base = { run_id: run.runId, sync: run.sync }
  try {
    const description = await describe(services.temporal, run)
    if (description?.status.name !== 'RUNNING') return { report: await readReport(services, run, description) }
    const answer = await askProgress(services.temporal, run.workflowId)
    const waiting = waitingActivity(description.raw, Date.now())
    return { view: { ...base, ...(answer && viewOf(answer)), ...(waiting && { waiting }) } }
  } catch (caught) {
    const fault = temporalFault(caught)
    if (fault instanceof SluiceError && fault.fault.remedyBy === 'time' && fault.code !== 'internal')
      return { view: { ...base, waiting: { code: fault.code, sentence: fault.message } } }
    throw fault
  }
}

/** Of the open execution if there is one (a run goes on as new ones), otherwise of the run itself. Absent: forgotten. */
async function describe(temporal: Client, run: StartedRun): Promise<WorkflowExecutionDescription | undefined> {
  const read = async (runId?: string) => {
    try {
      return await temporal.workflow.getHandle(run.workflowId, runId).describe()
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined
      throw error
    }
  }
  const latest = await read()
  if (!latest || latest.raw.workflowExecutionInfo?.firstRunId === run.runId || latest.runId === run.runId) return latest
  return read(run.runId)
}

function viewOf(answer: RunProgress): Omit<RunView, 'run_id' | 'sync'> {
  return {
    phase: answer.phase,
    segment: answer.segment,
    batches: { extracted: answer.batchesExtracted, applied: answer.batchesApplied },
    rows: { extracted: answer.rowsExtracted, applied: answer.rowsApplied, rejected: answer.rowsRejected },
    ...(answer.watermark !== undefined && { watermark: answer.watermark }),
    ...(answer.paused && { paused: answer.paused }),
  }
}

/** The report of a run whose workflow is closed, whatever closed it. */
async function readReport(
  { store, temporal }: Services,
  run: StartedRun,
  description: WorkflowExecutionDescription | undefined,
): Promise<RunReport> {
  let failure: FaultReport | undefined
  let status: RunStatus = 'error'
  if (description) {
    status = description.status.name === 'CANCELLED' ? 'cancelled' : 'error'
    try {
      const result: SyncRunResult = await temporal.workflow.getHandle(run.workflowId, description.runId).result()
      if (result.outcome === 'skipped') throw anotherJob(run.sync, result.holder)
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error
      failure = failureOf(error)
    }
  }
  const report = await readRun(store, run.runId)
  if (report && report.status !== 'running' && report.status !== 'paused') return report
  // It was terminated, or failed before it could write its end.
  const base = report ?? emptyReport(run, description)
  return {
    ...base,
    status: failure ? statusOf(failure, status) : status,
    ...(status !== 'cancelled' && failure && { error: failure }),
  }
}

function failureOf(error: WorkflowFailedError): FaultReport {
  let cause: unknown = error.cause
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause
  const { type, details } = (cause ?? {}) as { type?: unknown; details?: unknown[] }
  const [told] = details ?? []
  if (isFaultReport(told)) return told
  const code = typeof type === 'string' && type in faults ? (type as FaultCode) : 'internal'
  return {
    code,
    sentence: cause instanceof Error ? cause.message : 'The workflow of the run was closed before it could finish.',
    remedy: faults[code].remedy,
  }
}

function isFaultReport(value: unknown): value is FaultReport {
  return typeof value === 'object' && value !== null && 'code' in value && 'sentence' in value && 'remedy' in value
}

function statusOf({ code }: FaultReport, otherwise: RunStatus): RunStatus {
  return otherwise === 'cancelled' || !(code in faults) ? otherwise : faults[code as FaultCode].status
}

function emptyReport(run: StartedRun, description: WorkflowExecutionDescription | undefined): RunReport {
  const kind = (/\/(manual|backfill|retry)$/.exec(run.workflowId)?.[1] ?? 'scheduled') as RunKind
  return {
    run_id: run.runId,
    sync: run.sync,
    kind,
    status: 'error',
    workflow_id: run.workflowId,
    started_at: (description?.startTime ?? new Date()).toISOString(),
    ...(description?.closeTime && { finished_at: description.closeTime.toISOString() }),
    rows: { read: 0, created: 0, updated: 0, unchanged: 0, deleted: 0, ignored: 0, merged: 0, rejected: 0 },
  }
}
