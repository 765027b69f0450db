import { readDeployment } from '@sluice/account-store/deployment'
import { listRuns } from '@sluice/account-store/runs'
import { readWatermark } from '@sluice/account-store/watermarks'
import type { ConnectionDefinition, SyncDefinition } from '@sluice/core/config/syncDefinition'
import { SluiceError } from '@sluice/core/faults'
import type { RunReport } from '@sluice/core/run/runReport'
import { knownSync } from '../runs/knownSync.ts'
import type { Services, Store } from '../services.ts'
import { readSchedule, type ScheduleState } from '../temporal/schedules.ts'
import { describeConnection, describeSchedule, describeSync } from './describeDefinition.ts'

/** A sync as people see it. Keys that do not apply are absent. */
export interface SyncView {
  sync: string
  connection: string
  source: SyncDefinition['source']
  schedule?: { times: string; paused: boolean; note?: string; next_run_at?: string }
  watermark?: string
  last_run?: Pick<RunReport, 'run_id' | 'status' | 'started_at' | 'finished_at'>
}

export async function listSyncs({ store, temporal }: Services): Promise<SyncView[]> {
  const { syncs } = await readDeployment(store)
  return Promise.all(
    Object.entries(syncs).map(async ([name, definition]) =>
      viewOf(store, name, definition, await readSchedule(temporal, name)),
    ),
  )
}

/** With every setting, as it would stand in sluice.yaml. @throws SluiceError `sync_missing` */
export async function showSync(
  { store, temporal }: Services,
  name: string,
): Promise<SyncView & { settings: Record<string, string> }> {
  const { definition } = await knownSync(store, name)
  const { connection: _, source: __, ...settings } = Object.fromEntries(describeSync(definition))
  return { ...(await viewOf(store, name, definition, await readSchedule(temporal, name))), settings }
}

async function viewOf(
  store: Store,
  sync: string,
  definition: SyncDefinition,
  schedule: ScheduleState | undefined,
): Promise<SyncView> {
  const watermark = await readWatermark(store, sync)
  const [last] = await listRuns(store, { sync, limit: 1 })
  return {
    sync,
    connection: definition.connection,
    source: definition.source,
    ...(schedule && {
      schedule: {
        times: schedule.schedule ? describeSchedule(schedule.schedule) : 'times set by hand',
        paused: schedule.paused,
        ...(schedule.note !== undefined && { note: schedule.note }),
        ...(schedule.nextRunAt !== undefined && { next_run_at: schedule.nextRunAt }),
      },
    }),
    ...(watermark && { watermark: watermark.updated_at }),
    ...(last && {
      last_run: {
        run_id: last.run_id,
        status: last.status,
        started_at: last.started_at,
        ...(last.finished_at !== undefined && { finished_at: last.finished_at }),
      },
    }),
  }
}

export interface ConnectionView {
  connection: string
  type: string
  /** As in sluice.yaml; secrets as the place where they are found. */
  options: Record<string, unknown>
  /** The syncs that use it. */
  syncs: string[]
}

export async function listConnections(store: Store): Promise<ConnectionView[]> {
  const { connections, syncs } = await readDeployment(store)
  return Object.entries(connections).map(([connection, { type, ...options }]) => ({
    connection,
    type,
    options,
    syncs: Object.keys(syncs).filter((name) => syncs[name]!.connection === connection),
  }))
}

/** @throws SluiceError `connection_missing` */
export async function knownConnection(store: Store, name: string): Promise<ConnectionDefinition> {
  const { connections } = await readDeployment(store)
  if (!Object.hasOwn(connections, name))
    throw new SluiceError('connection_missing', `Its name was given as ${JSON.stringify(name)}.`)
  return connections[name]!
}

/** One line about a connection: `postgres, host: db.example.com, database: crm`. */
export function connectionText(definition: ConnectionDefinition): string {
  const { type, ...rest } = Object.fromEntries(describeConnection(definition))
  return [type, ...Object.entries(rest).map(([key, value]) => `${key}: ${value}`)].join(', ')
}
