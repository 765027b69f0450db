import type { Preview, PreviewRow } from '@sluice/control/sources/previewSync'
import type { SkippedFile } from '@sluice/core/run/runReport'
import { printable } from './printable.ts'
import { table } from './table.ts'
import { timestampText } from './timestampText.ts'

/** What the next run would do to each row. */
export function previewText({ object, after, schema_version, rows, files }: Preview): string {
  const from = files ? '' : after === undefined ? ' from the beginning,' : ` after ${timestampText(after)},`
  const head = `${printable(object)},${from} under version ${schema_version} of the account schema`
  if (rows.length === 0) return `${head}: no new row.\n${skippedText(files?.skipped ?? [])}`
  return `${head}: ${rows.length === 1 ? 'the first row' : `the first ${rows.length} rows`}\n${table(
    [...(files ? [] : ['UPDATED_AT']), 'ID', 'OUTCOME', 'ATTRIBUTES', 'NOTES'],
    rows.map((row) => [
      ...(files ? [] : [row.updated_at && timestampText(row.updated_at)]),
      row.id,
      row.outcome,
      row.attributes,
      notes(row),
    ]),
  )}${skippedText(files?.skipped ?? [])}`
}

function notes(row: PreviewRow): string {
  const list = (words: string, names: string[] | undefined) => (names ? [`${words} ${names.join(', ')}`] : [])
  return [
    ...(row.code === undefined ? [] : [row.code]),
    ...(row.outcome === 'ignored' ? ['no such account'] : []),
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
