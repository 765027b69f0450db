import type { SyncDefinition } from '@sluice/core/config/syncDefinition'
import { scheduleId, searchAttributes, syncRunType, taskQueue, workflowId } from '@sluice/workflows/names'
import type { SyncRunInput } from '@sluice/workflows/syncRunInput'
import {
  type Client,
  type ScheduleDescription,
  ScheduleNotFoundError,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
} from '@temporalio/client'
import { TypedSearchAttributes } from '@temporalio/common'
import { scheduleFault, withTemporalFaults } from './temporalFaults.ts'

export interface ScheduleState {
  /** Absent: somebody set times that no `schedule` of a configuration can say. */
  schedule?: NonNullable<SyncDefinition['schedule']>
  paused: boolean
  note?: string
  nextRunAt?: string
}

/** Absent: the sync has no schedule in Temporal. */
export async function readSchedule(temporal: Client, sync: string): Promise<ScheduleState | undefined> {
  const description = await withTemporalFaults(async () => {
    try {
      return await temporal.schedule.getHandle(scheduleId(sync)).describe()
    } catch (error) {
      if (error instanceof ScheduleNotFoundError) return undefined
      throw error
    }
  })
  return description && stateOf(description)
}

/** Creates the schedule or brings it up to date. One that is paused stays paused, with its note. */
export async function putSchedule(temporal: Client, sync: string, definition: SyncDefinition): Promise<void> {
  const options = scheduleOptions(sync, definition)
  await withTemporalFaults(async () => {
    try {
      const { scheduleId: _, ...update } = options
      await temporal.schedule.getHandle(options.scheduleId).update((previous) => ({
        ...update,
        state: {
          paused: previous.state.paused,
          ...(previous.state.note !== undefined && { note: previous.state.note }),
        },
      }))
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw scheduleFault(sync, error)
      try {
        await temporal.schedule.create(options)
      } catch (error) {
        throw scheduleFault(sync, error)
      }
    }
  })
}

/** Idempotent. */
export async function removeSchedule(temporal: Client, sync: string): Promise<void> {
  await withTemporalFaults(async () => {
    try {
      await temporal.schedule.getHandle(scheduleId(sync)).delete()
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error
    }
  })
}

/** What the Temporal UI shows of a run before it has begun. */
export function runLabels(sync: string, definition: SyncDefinition) {
  const { source } = definition
  const object =
    'table' in source ? source.table : 'query' in source ? 'a query' : `files in ${source.prefix || 'the whole place'}`
  return {
    staticSummary: `Sync ${sync}: ${object} of ${definition.connection}`.slice(0, 150),
    staticDetails: `Brings account records from ${object} of the connection \`${definition.connection}\` into the account store. Pause and resume it by the signals \`pause\` and \`resume\`; the query \`progress\` says how far it is.`,
    typedSearchAttributes: new TypedSearchAttributes([{ key: searchAttributes.sync, value: sync }]),
  }
}

function scheduleOptions(sync: string, definition: SyncDefinition) {
  const schedule = definition.schedule!
  const labels = runLabels(sync, definition)
  const input: SyncRunInput = { sync, kind: 'scheduled' }
  return {
    scheduleId: scheduleId(sync),
    spec:
      'everyMs' in schedule
        ? { intervals: [{ every: schedule.everyMs }] }
        : // The server keeps a cron line as a calendar; the comment is what brings it back as it was written.
          { cronExpressions: [`${schedule.cron} # ${schedule.cron}`], timezone: schedule.timeZone },
    policies: {
      overlap: ScheduleOverlapPolicy.SKIP,
      // One run catches everything up, so one missed time is worth making up (§9).
      catchupWindow: 'everyMs' in schedule ? schedule.everyMs : '1 day',
    },
    typedSearchAttributes: labels.typedSearchAttributes,
    action: {
      type: 'startWorkflow',
      workflowType: syncRunType,
      workflowId: workflowId(sync, 'scheduled'),
      taskQueue,
      args: [input],
      ...labels,
    },
  } satisfies ScheduleOptions
}

function stateOf({ spec, state, info }: ScheduleDescription): ScheduleState {
  const next = info.nextActionTimes[0]
  const schedule = scheduleOf(spec)
  return {
    ...(schedule && { schedule }),
    paused: state.paused,
    ...(state.note && { note: state.note }),
    ...(next && !state.paused && { nextRunAt: next.toISOString() }),
  }
}

function scheduleOf({
  intervals = [],
  calendars = [],
  timezone,
}: ScheduleDescription['spec']): ScheduleState['schedule'] {
  const [interval] = intervals
  const [calendar] = calendars
  if (interval && intervals.length === 1 && !calendar && !interval.offset) return { everyMs: interval.every }
  if (calendar?.comment && calendars.length === 1 && !interval)
    return { cron: calendar.comment, timeZone: timezone || 'UTC' }
  return undefined
}
