import { readSync } from '@sluice/account-store/deployment'
import { readKnownFiles } from '@sluice/account-store/files'
import { openSource } from '@sluice/connectors/openSource'
import { SluiceError } from '@sluice/core/faults'
import type { ExtractInput, ExtractResult } from '@sluice/workflows/activities'
import type { Context } from '@temporalio/activity'
import type { Heartbeat } from '../activity.ts'
import type { WorkerDependencies } from '../createActivities.ts'
import { BatchSender } from '../extract/batchSender.ts'
import { extractFiles } from '../extract/files.ts'
import { extractWarehouse } from '../extract/warehouse.ts'
import { workflowPlace } from '../extract/workflowPlace.ts'

/** One attempt of one segment. It claims its place only once the source has answered. */
export async function extract(
  { store, stage, env }: WorkerDependencies,
  context: Context,
  heartbeat: Heartbeat,
  input: ExtractInput,
): Promise<ExtractResult> {
  const { info, client, cancelled, cancellationSignal: signal } = context
  const { sync, runId } = input.run
  const deployed = await readSync(store, sync)
  if (deployed === undefined) throw new SluiceError('sync_missing', `Its name is "${sync}".`)
  const { definition, connection } = deployed
  const place = workflowPlace({
    client,
    ...info.workflowExecution!,
    activityId: info.activityId,
    segment: input.segment,
    attempt: info.attempt,
  })
  const keyPrefix = `${sync}/${runId}/s${input.segment}-a${info.attempt}`
  const opened = await openSource({ connection: connection.definition, source: definition.source, env, label: sync })
  try {
    if (opened.kind === 'warehouse') {
      const { source } = opened
      const facts = await source.describe(signal)
      const claim = await Promise.race([place.claim(), cancelled])
      if (claim.stop) return { end: 'stopped', warnings: [] }
      const header = {
        kind: 'raw',
        order: 'timestamp',
        timestampDigits: facts.timestampDigits,
        volatileFrom: facts.now,
      } as const
      const sender = new BatchSender({ stage, keyPrefix, place, firstBatch: claim.nextBatch, header, cancelled })
      heartbeat.details = () => ({ rows: sender.rows })
      return await extractWarehouse({ input, definition, source, facts, claim, sender, signal })
    }
    if (!('prefix' in definition.source))
      throw new SluiceError('config_invalid', 'A source of files needs `prefix` and `format`.')
    const { source } = opened
    const claim = await Promise.race([place.claim(), cancelled])
    if (claim.stop) return { end: 'stopped', warnings: [] }
    const sender = new BatchSender({
      stage,
      keyPrefix,
      place,
      firstBatch: claim.nextBatch,
      header: { kind: 'raw', order: 'file', timestampDigits: 0 },
      cancelled,
    })
    heartbeat.details = () => ({ rows: sender.rows })
    return await extractFiles({
      input,
      definition,
      format: definition.source.format,
      source,
      claim,
      sender,
      stage,
      readKnownFiles: (keys) => readKnownFiles(store, sync, keys),
      signal,
    })
  } finally {
    await opened.source.close()
  }
}
