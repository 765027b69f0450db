import { type Deployment, readDeployment, writeDeployment } from '@sluice/account-store/deployment'
import { migrate, readStoreVersion } from '@sluice/account-store/migrate'
import { readUsage } from '@sluice/account-store/usage'
import type { AccountSchema } from '@sluice/core/schema/accountSchema'
import type { Configuration } from '../config/parseConfiguration.ts'
import { Refusal } from '../refusal.ts'
import { findOpenRun, type OpenRun } from '../runs/findOpenRun.ts'
import type { Services } from '../services.ts'
import { putSchedule, readSchedule, removeSchedule, type ScheduleState } from '../temporal/schedules.ts'
import { ensureSearchAttributes } from '../temporal/searchAttributes.ts'
import { type Change, lossyFields, planDeployment } from './planDeployment.ts'

export interface Plan {
  changes: Change[]
  /** Why `applyConfiguration` would refuse all of it. */
  refusal?: Refusal
}

/** What a file would change. Writes nothing. */
export async function planConfiguration(services: Services, configuration: Configuration): Promise<Plan> {
  const { changes, refusal } = await look(services, configuration)
  return { changes, ...(refusal && { refusal }) }
}

/**
 * Makes the difference between a file and what is deployed. Idempotent: after a failure half-way, the same call does the
 * rest. Temporal and store are both looked at before anything is written.
 * @throws Refusal `syncs_in_the_way`, `sync_is_running`, `field_removal`
 */
export async function applyConfiguration(
  services: Services,
  configuration: Configuration,
  audit: { by: string; reason?: string },
): Promise<{ changes: Change[]; schema?: AccountSchema }> {
  const { store, temporal } = services
  const { changes, refusal, deployment } = await look(services, configuration)
  if (refusal) throw refusal
  await migrate(store)
  await ensureSearchAttributes(temporal)

  const of = (what: Change['what'], ...actions: Change['action'][]) =>
    changes.filter((change) => change.what === what && actions.includes(change.action)).map(({ name }) => name)
  const pick = <T>(record: Record<string, T>, names: string[]) =>
    Object.fromEntries(names.map((name) => [name, record[name]!]))

  // A schedule never outlives its sync: it goes before, and comes after.
  for (const sync of new Set([...of('schedule', 'remove'), ...of('sync', 'remove')]))
    await removeSchedule(temporal, sync)
  const written = changes.some(({ what }) => what !== 'schedule')
  const withoutSchema = deployment.schema === undefined && configuration.fields !== undefined
  if (written || withoutSchema)
    await writeDeployment(
      store,
      {
        ...((of('field', 'add', 'change', 'remove').length > 0 || withoutSchema) && { fields: configuration.fields! }),
        connections: {
          put: pick(configuration.connections, of('connection', 'add', 'change')),
          remove: of('connection', 'remove'),
        },
        syncs: {
          put: {
            ...pick(configuration.syncs, of('sync', 'add', 'change')),
            ...scheduleMoved(configuration, deployment),
          },
          remove: of('sync', 'remove'),
        },
        ...(of('quota', 'add', 'change', 'remove').length > 0 && { quota: configuration.quota ?? {} }),
      },
      audit,
    )
  for (const [name, sync] of Object.entries(configuration.syncs)) {
    const moved = changes.some(
      (change) => change.name === name && (change.what === 'schedule' || change.what === 'sync'),
    )
    if (sync.schedule && moved) await putSchedule(temporal, name, sync)
  }
  const { schema } = await readDeployment(store)
  return { changes, ...(schema && { schema }) }
}

/** Syncs of which the schedule alone differs: the store keeps it as well. */
function scheduleMoved(configuration: Configuration, deployment: Deployment): Configuration['syncs'] {
  return Object.fromEntries(
    Object.entries(configuration.syncs).filter(
      ([name, sync]) => JSON.stringify(deployment.syncs[name]?.schedule) !== JSON.stringify(sync.schedule),
    ),
  )
}

async function look(services: Services, configuration: Configuration) {
  const { store, temporal } = services
  // An empty store has nothing deployed; it is migrated by `apply`.
  const empty = (await readStoreVersion(store)) === 0
  const deployment: Deployment = empty ? { connections: {}, syncs: {}, quota: {} } : await readDeployment(store)
  const schedules = new Map<string, ScheduleState>()
  const openRuns = new Map<string, OpenRun>()
  for (const name of new Set([...Object.keys(configuration.syncs), ...Object.keys(deployment.syncs)])) {
    const schedule = await readSchedule(temporal, name)
    if (schedule) schedules.set(name, schedule)
    const run = deployment.syncs[name] && (await findOpenRun(services, name))
    if (run) openRuns.set(name, run)
  }
  const changes = planDeployment(configuration, { deployment, schedules })
  const accounts = empty ? 0 : (await readUsage(store)).accounts
  const refusal = refusalOf(changes, { configuration, deployment, schedules, openRuns, accounts })
  return { changes, refusal, deployment }
}

interface Seen {
  configuration: Configuration
  deployment: Deployment
  schedules: ReadonlyMap<string, ScheduleState>
  openRuns: ReadonlyMap<string, OpenRun>
  accounts: number
}

/** §8: why these changes cannot be made now. Pure. */
export function refusalOf(changes: readonly Change[], seen: Seen): Refusal | undefined {
  const { configuration, deployment, schedules, openRuns, accounts } = seen
  const running = changes.filter(
    ({ what, action, name }) => what === 'sync' && action === 'remove' && openRuns.has(name),
  )
  if (running.length > 0)
    return new Refusal('refused', 'sync_is_running', {
      sentence: `${list(running.map(({ name }) => name))} cannot be removed while a run is in progress. Nothing was changed.`,
      remedy: `Wait for the end of the run, or stop it with \`sluice sync cancel ${running[0]!.name}\`, then apply again.`,
    })

  // The first schema ever changes nothing that a row was filtered by.
  if (deployment.schema === undefined || !changes.some(({ what }) => what === 'field')) return undefined
  const lossy = lossyFields(deployment.schema.fields, configuration.fields!)
  if (lossy.length > 0 && accounts > 0)
    return new Refusal('refused', 'field_removal', {
      sentence: `${list(lossy)} cannot be removed or given another type: ${accounts.toLocaleString('en')} accounts may hold values of it, which would stay behind. Nothing was changed.`,
      remedy:
        'Keep the field as it is and add one of another name; or start afresh with a store of its own, by another SLUICE_HOME for `sluice up` and the commands, or another SLUICE_STORE_URL. This version does not remove stored values yet.',
    })
  const inTheWay = [...new Set([...schedules.keys(), ...openRuns.keys()])]
    .filter(
      (sync) =>
        deployment.syncs[sync] &&
        ((schedules.get(sync) && !schedules.get(sync)!.paused) || openRuns.get(sync)?.status === 'running'),
    )
    .sort()
  if (inTheWay.length > 0)
    return new Refusal('refused', 'syncs_in_the_way', {
      sentence: `The account schema cannot change while syncs are scheduled or running: ${list(inTheWay)}. Nothing was changed.`,
      remedy: `Pause each first (\`sluice sync pause ${inTheWay[0]} --reason "schema change"\`), apply again, then resume.`,
    })
  return undefined
}

function list(names: readonly string[]): string {
  return names.join(', ')
}
