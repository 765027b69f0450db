import { styleText } from 'node:util'
import type { RunView } from '@sluice/control/runs/watchRun'
import type { RowCounts, RunReport, RunStatus, Tally } from '@sluice/core/run/runReport'
import { printable } from './printable.ts'
import { counted, grouped } from './table.ts'
import { timestampText } from './timestampText.ts'

const meanings: Record<RunStatus, string> = {
  running: 'is running',
  paused: 'is paused',
  success: 'ended well',
  partial: 'ended, and left something out',
  error: 'failed',
  config_error: 'needs a person',
  limit_exceeded: 'met a limit',
  cancelled: 'was cancelled',
}

const outcomes: Record<Exclude<keyof RowCounts, 'read'>, string> = {
  created: 'created',
  updated: 'updated',
  unchanged: 'unchanged',
  deleted: 'deleted',
  ignored: 'ignored: there was nothing to delete',
  merged: 'merged into a later row of the same id',
  rejected: 'rejected, and kept in quarantine',
}

const namesMax = 8

/** A run's report in plain words. `pause`: why it is paused, as far as it can be known just now. */
export function reportText(report: RunReport, pause?: RunView['paused']): string {
  const lines = [headline(report), ...(report.status === 'paused' ? pauseLines(report.sync, pause) : [])]
  lines.push(...rowLines(report.rows))
  lines.push(...tallyLines(report.rejected, 'rows', 'were rejected', `sluice quarantine list --sync ${report.sync}`))
  lines.push(
    ...tallyLines(
      report.dropped_fields,
      'fields',
      'are not in the account schema and were dropped',
      'add them under `schema.fields` of sluice.yaml to keep them',
    ),
  )
  lines.push(
    ...tallyLines(
      report.type_mismatches,
      'values',
      'did not fit their type and were dropped, the rest of their rows applied',
      undefined,
    ),
  )
  lines.push(...tallyLines(report.unstorable_values, 'values', 'cannot be stored and were dropped', undefined))
  if (report.files) {
    lines.push(`  files: ${grouped(report.files.applied)} applied, ${grouped(report.files.skipped.length)} skipped`)
    for (const { key, line, sentence, code } of report.files.skipped.slice(0, namesMax))
      lines.push(`    ${printable(key)}${line === undefined ? '' : `, line ${line}`}: ${printable(sentence)} [${code}]`)
    if (report.files.skipped.length > namesMax)
      lines.push(`    … and ${grouped(report.files.skipped.length - namesMax)} more`)
  }
  for (const { code, sentence } of report.warnings ?? []) lines.push(`  warning: ${printable(sentence)} [${code}]`)
  if (report.watermark?.to !== undefined) {
    const { from, to } = report.watermark
    lines.push(
      `  watermark: ${from === undefined || from === to ? '' : `${timestampText(from)} → `}${timestampText(to)}`,
    )
  }
  if (report.error)
    lines.push(`  ${printable(report.error.sentence)} [${report.error.code}]`, `  → ${printable(report.error.remedy)}`)
  if (report.temporal_url !== undefined) lines.push(`  in Temporal: ${report.temporal_url}`)
  return `${lines.join('\n')}\n`
}

function headline({ run_id, sync, kind, status, started_at, finished_at }: RunReport): string {
  const took = finished_at === undefined ? '' : ` (${seconds(Date.parse(finished_at) - Date.parse(started_at))})`
  const colour = status === 'success' ? 'green' : status === 'error' || status === 'config_error' ? 'red' : 'yellow'
  return `${styleText(colour, status, { stream: process.stdout })}  The ${kind} run ${run_id} of ${sync} ${meanings[status]}${took}.`
}

function pauseLines(sync: string, pause: RunView['paused']): string[] {
  return [
    ...(pause ? [`  paused by ${printable(pause.by)} since ${pause.since}: ${printable(pause.reason)}`] : []),
    `  → \`sluice sync resume ${sync}\` lets it go on, \`sluice sync cancel ${sync}\` ends it`,
  ]
}

function rowLines(rows: RowCounts): string[] {
  const some = (Object.keys(outcomes) as (keyof typeof outcomes)[]).filter((outcome) => rows[outcome] > 0)
  const width = Math.max(...some.map((outcome) => grouped(rows[outcome]).length), 0)
  return [
    `  ${counted(rows.read, 'row')} read${some.length === 0 ? '' : ':'}`,
    ...some.map((outcome) => `    ${grouped(rows[outcome]).padStart(width)} ${outcomes[outcome]}`),
  ]
}

/** The names that come most often, and what to do about them. */
function tallyLines(
  tally: Tally | undefined,
  what: 'rows' | 'fields' | 'values',
  fate: string,
  remedy: string | undefined,
): string[] {
  const entries = Object.entries(tally ?? {}).sort(([, a], [, b]) => b - a)
  if (entries.length === 0) return []
  const shown = entries.slice(0, namesMax).map(([name, rows]) => `${printable(name)} (${grouped(rows)})`)
  const more = entries.length > namesMax ? ` and ${grouped(entries.length - namesMax)} more` : ''
  return [`  ${what} that ${fate}: ${shown.join(', ')}${more}`, ...(remedy === undefined ? [] : [`    → ${remedy}`])]
}

function seconds(ms: number): string {
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  const minutes = Math.round(ms / 60_000)
  return minutes < 120 ? `${minutes} min` : `${(ms / 3_600_000).toFixed(1)} h`
}
