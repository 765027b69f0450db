import type { Preview, PreviewRow } from '@sluice/control/sources/previewSync'
import type { SkippedFile } from '@sluice/core/run/runReport'
import { printable } from './printable.ts'
import { counted, table } from './table.ts'

/** What the next run would do to each row. */
export function previewText({ object, after, schema_version, rows, files }: Preview): string {
  const from = after === undefined ? 'from the beginning' : `after ${after}`
  const head = `${object}, ${from}, under version ${schema_version} of the account schema`
  if (rows.length === 0) return `${head}: no new row.\n${skippedText(files?.skipped ?? [])}`
  return `${head}: the first ${counted(rows.length, 'row')}\n${table(
    ['UPDATED_AT', 'ID', 'OUTCOME', 'NOTES'],
    rows.map((row) => [row.updated_at, row.id, row.outcome, notes(row)]),
  )}${skippedText(files?.skipped ?? [])}`
}

function notes(row: PreviewRow): string {
  const list = (words: string, names: string[] | undefined) => (names ? [`${words} ${names.join(', ')}`] : [])
  return [
    ...(row.code === undefined ? [] : [row.code]),
    ...list('drops', row.dropped_fields),
    ...list('wrong type:', row.type_mismatches),
    ...list('cannot store', row.unstorable_values),
    ...(row.converted ?? []).map(({ field, from, to }) => `${field} ${from} → ${to}`),
  ].join('; ')
}

function skippedText(skipped: readonly SkippedFile[]): string {
  return skipped
    .map(
      ({ key, line, sentence, code }) =>
        `${printable(key)} would be skipped${line === undefined ? '' : `, line ${line}`}: ${printable(sentence)} [${code}]\n`,
    )
    .join('')
}
