import type { Stage } from '@sluice/stage/stage'
import type { SyncRunActivities } from '@sluice/workflows/activities'
import type pg from 'pg'
import type { Logger } from 'pino'
import { apply } from './activities/apply.ts'
import { commitWatermark } from './activities/commitWatermark.ts'
import { connect } from './activities/connect.ts'
import { extract } from './activities/extract.ts'
import { finishRun } from './activities/finishRun.ts'
import { schemaFilter } from './activities/schemaFilter.ts'
import { activity } from './activity.ts'
import type { FilterPool } from './filter/filterPool.ts'

export interface WorkerDependencies {
  store: pg.Pool
  stage: Stage
  filterPool: FilterPool
  log: Logger
  /** Where secrets of connections given as `{ env }` are found. */
  env: Record<string, string | undefined>
  /** Batches of a run that are filtered or applied at one time: memory is at most so many times `batch.bytes`, twice. */
  window: number
  /** Batches after which a segment ends: at about 14 events each, well below Temporal's 4,096. */
  batchesPerSegment: number
}

export function createActivities(dependencies: WorkerDependencies): SyncRunActivities {
  const { log } = dependencies
  return {
    connect: activity(log, (input, context) => connect(dependencies, context.client, input)),
    extract: activity(log, (input, context, heartbeat) => extract(dependencies, context, heartbeat, input)),
    schemaFilter: activity(log, (input) => schemaFilter(dependencies, input)),
    apply: activity(log, (input) => apply(dependencies, input)),
    commitWatermark: activity(log, (input) => commitWatermark(dependencies, input)),
    finishRun: activity(log, (input) => finishRun(dependencies, input)),
  }
}
