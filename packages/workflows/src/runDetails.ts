import { grouped } from './grouped.ts'
import type { RunState } from './runState.ts'

/** The run in markdown, for people who know only the Temporal UI: where it stands, why it waits, what to do. */
export function runDetails(state: RunState): string {
  const lines = [`**${sentence(state)}**`, '']
  const row = (name: string, value: string | number) => lines.push(`- ${name}: ${value}`)
  row('Sync', state.input.sync)
  row('Phase', `${state.phase}, segment ${state.segment + 1}`)
  row('Batches', `${grouped(state.batchesExtracted)} extracted, ${grouped(state.batchesApplied)} applied`)
  row(
    'Rows',
    `${grouped(state.rowsExtracted)} extracted, ${grouped(state.rowsApplied)} applied, ${grouped(state.rowsRejected)} of them rejected`,
  )
  row('Watermark', state.watermark?.updatedAt ?? 'none yet')
  if (state.schema > 0) row('Account schema', `version ${state.schema}`)
  if (state.waitingFor) row('Waits for', state.waitingFor)
  for (const warning of state.warnings.slice(0, 10)) row('Warning', `${warning.sentence} (\`${warning.code}\`)`)
  if (state.fault) {
    const { code, sentence, remedy } = state.fault.report
    row('Fault', `${sentence} (\`${code}\`)`)
    row('What to do', remedy)
  }
  return lines.join('\n')
}

function sentence(state: RunState): string {
  const paused = state.paused && `${state.paused.by}, ${state.paused.since}: ${state.paused.reason}`
  switch (state.phase) {
    case 'connecting':
      return 'Claims the sync. If this lasts, see the failure under Pending Activities.'
    case 'running':
      return 'Reads and applies rows. If nothing moves, see the failure under Pending Activities.'
    case 'pausing':
      return `Pauses: batches in flight are still applied. Asked for by ${paused}`
    case 'paused':
      return `Paused by ${paused}. To go on, send the signal \`resume\`, or run \`sluice sync resume ${state.input.sync}\`.`
    case 'finishing':
      return 'Ends: batches in flight are still applied.'
    case 'done':
      return state.fault ? 'Failed.' : state.cancelled ? 'Cancelled.' : 'Done.'
  }
}
