import { constants } from 'node:fs'
import { access, statfs } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { readStoreVersion, storeVersion } from '@sluice/account-store/migrate'
import { storeFault } from '@sluice/account-store/storeFaults'
import { SluiceError } from '@sluice/core/faults'
import { taskQueue } from '@sluice/workflows/names'
import type { Client } from '@temporalio/client'
import type { Store } from './services.ts'
import { missingSearchAttributes } from './temporal/searchAttributes.ts'
import { temporalFault, withTemporalFaults } from './temporal/temporalFaults.ts'

/** `sentence` and `remedy` when it is not ok; a `sentence` alone when it could not be looked at. */
interface Finding {
  ok: boolean
  sentence?: string
  remedy?: string
  [fact: string]: unknown
}

export interface Diagnosis {
  temporal: Finding
  store: Finding
  stage: Finding
  worker: Finding
  clock: Finding
  versions: Finding
}

export interface DoctorRequest {
  openStore(): Store
  openTemporal(): Promise<Client>
  /** SLUICE_STAGE; absent: the commands' environment does not say it, which is no fault of the worker's. */
  stage: string | undefined
  temporalAddress: string
  temporalUi: string | undefined
}

const clockSkewMsMax = 5000
const stageBytesFreeMin = 1024 ** 3
/** A worker polls at least once a minute. */
const workerSeenMsMax = 90_000

/** Looks at everything that Sluice stands on; a part that is down hides no other. */
export async function diagnose(request: DoctorRequest): Promise<Diagnosis> {
  const [{ temporal, worker }, { store, clock, versions }, stage] = await Promise.all([
    lookAtTemporal(request),
    lookAtStore(request),
    lookAtStage(request.stage),
  ])
  return { temporal, store, stage, worker, clock, versions }
}

export function isHealthy(diagnosis: Diagnosis): boolean {
  return Object.values(diagnosis).every((finding: Finding) => finding.ok)
}

async function lookAtTemporal({
  openTemporal,
  temporalAddress,
  temporalUi,
}: DoctorRequest): Promise<Pick<Diagnosis, 'temporal' | 'worker'>> {
  const facts = { address: temporalAddress, ...(temporalUi !== undefined && { ui_url: temporalUi }) }
  let client: Client | undefined
  try {
    client = await openTemporal()
    const { namespace } = client.options
    await withTemporalFaults(() => client!.workflowService.describeNamespace({ namespace }))
    const { serverVersion } = await withTemporalFaults(() => client!.workflowService.getSystemInfo({}))
    const missing = await missingSearchAttributes(client)
    const temporal: Finding =
      missing.length === 0
        ? { ok: true, ...facts, namespace, server_version: serverVersion }
        : {
            ok: false,
            ...facts,
            namespace,
            sentence: `The namespace lacks the search attributes ${missing.join(', ')}.`,
            remedy:
              'Run `sluice apply`, which adds them, or add them with `temporal operator search-attribute create`.',
          }
    return { temporal, worker: await lookAtWorker(client) }
  } catch (error) {
    return {
      temporal: { ok: false, ...facts, ...told(temporalFault(error)) },
      worker: { ok: false, sentence: 'Temporal could not be asked for workers.', remedy: 'Mend Temporal first.' },
    }
  } finally {
    await client?.connection.close()
  }
}

async function lookAtWorker(client: Client): Promise<Finding> {
  // 1: workflow tasks, 2: activity tasks.
  const [workflows, activities] = await Promise.all(
    [1, 2].map(async (taskQueueType) => {
      const { pollers } = await withTemporalFaults(() =>
        client.workflowService.describeTaskQueue({
          namespace: client.options.namespace,
          taskQueue: { name: taskQueue },
          taskQueueType,
        }),
      )
      return (pollers ?? []).filter(
        ({ lastAccessTime }) => Date.now() - Number(String(lastAccessTime?.seconds ?? 0)) * 1000 < workerSeenMsMax,
      )
    }),
  )
  const workers = [...new Set([...(workflows ?? []), ...(activities ?? [])].map(({ identity }) => identity ?? ''))]
  const facts = { task_queue: taskQueue, workers }
  if (workflows!.length > 0 && activities!.length > 0) return { ok: true, ...facts }
  return {
    ok: false,
    ...facts,
    sentence: `No worker listens to the task queue ${taskQueue}.`,
    remedy:
      'Start one with `sluice worker` (or everything with `sluice up`), with the same TEMPORAL_ADDRESS and namespace.',
  }
}

async function lookAtStore({ openStore }: DoctorRequest): Promise<Pick<Diagnosis, 'store' | 'clock' | 'versions'>> {
  const store = openStore()
  try {
    const before = Date.now()
    const { rows } = await store.query<{ now: Date; version: string; user: string; database: string }>(
      `select clock_timestamp() as now, current_setting('server_version') as version, current_user as user, current_database() as database`,
    )
    const { now, version, user, database } = rows[0]!
    const skewMs = Math.round(now.getTime() - (before + Date.now()) / 2)
    const migrated = await readStoreVersion(store)
    return {
      store: { ok: true, database, user, server_version: version },
      clock:
        Math.abs(skewMs) <= clockSkewMsMax
          ? { ok: true, skew_ms: skewMs }
          : {
              ok: false,
              skew_ms: skewMs,
              sentence: `The clock of the store differs from this machine's by ${(skewMs / 1000).toFixed(1)} s.`,
              remedy: 'Let NTP set both clocks; times in reports and audits come from both.',
            },
      versions: versionFinding(migrated),
    }
  } catch (error) {
    const unknown: Finding = { ok: false, sentence: 'The store could not be asked.', remedy: 'Mend the store first.' }
    return { store: { ok: false, ...told(storeFault(error)) }, clock: unknown, versions: unknown }
  } finally {
    await store.end()
  }
}

function versionFinding(migrated: number): Finding {
  const facts = { node: process.versions.node, store: migrated, store_expected: storeVersion }
  if (migrated === storeVersion) return { ok: true, ...facts }
  if (migrated > storeVersion) return { ok: false, ...facts, ...told(new SluiceError('store_too_new')) }
  return {
    ok: false,
    ...facts,
    sentence: `The store is at version ${migrated}, this Sluice needs ${storeVersion}.`,
    remedy: 'Run `sluice apply` or start a worker of this version: either migrates the store.',
  }
}

async function lookAtStage(stage: string | undefined): Promise<Finding> {
  // What is unset here may be set for a worker elsewhere.
  if (stage === undefined)
    return {
      ok: true,
      checked: false,
      sentence: 'SLUICE_STAGE is not set here, so the stage is not looked at from here.',
    }
  const url = URL.canParse(stage) ? new URL(stage) : undefined
  if (url?.protocol !== 'file:' || url.host !== '')
    return {
      ok: false,
      sentence: `SLUICE_STAGE must be of the form file:///absolute/folder, not ${JSON.stringify(stage)}.`,
      remedy: 'Set it so for the worker, which does not start otherwise, and here.',
    }
  try {
    const folder = fileURLToPath(stage)
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    const { bavail, bsize } = await statfs(folder)
    const bytesFree = bavail * bsize
    if (bytesFree >= stageBytesFreeMin) return { ok: true, url: stage, bytes_free: bytesFree }
    return {
      ok: false,
      url: stage,
      bytes_free: bytesFree,
      sentence: `The disk of the stage has ${Math.floor(bytesFree / 1024 ** 2)} MiB left.`,
      remedy: 'Free room there, or move the stage with SLUICE_STAGE.',
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    // A worker makes the folder when it starts.
    if (code === 'ENOENT') return { ok: true, url: stage, made: false }
    return {
      ok: false,
      url: stage,
      ...told(new SluiceError(code === 'EACCES' ? 'stage_forbidden' : 'stage_unavailable', code && `(${code})`)),
    }
  }
}

function told(error: unknown): { sentence: string; remedy: string } {
  if (error instanceof SluiceError) return { sentence: error.message, remedy: error.fault.remedy }
  return { sentence: error instanceof Error ? error.message : String(error), remedy: 'Look at the logs of the server.' }
}
