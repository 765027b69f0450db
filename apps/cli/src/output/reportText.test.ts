import type { RunReport } from '@sluice/core/run/runReport'
import { expect, test } from 'vitest'
import { reportText } from './reportText.ts'

const report: RunReport = {
  run_id: 'r1',
  sync: 'crm',
  kind: 'manual',
  status: 'partial',
  workflow_id: 'sync/crm/manual',
  temporal_url: 'http://localhost:8233/x',
  started_at: '2026-01-01T00:00:00.000Z',
  finished_at: '2026-01-01T00:01:30.000Z',
  schema_version: 3,
  watermark: { from: '2026-01-01 00:00:00.000000', to: '2026-01-02 00:00:00.000000' },
  rows: { read: 1234, created: 1000, updated: 0, unchanged: 0, deleted: 0, ignored: 0, merged: 34, rejected: 200 },
  rejected: { invalid_id: 50, invalid_payload: 150 },
  dropped_fields: { x_note: 7, 'a\u001b[31m': 9 },
  type_mismatches: { employees: 1 },
  files: {
    applied: 2,
    skipped: [{ key: 'a.jsonl', line: 7, code: 'invalid_json', sentence: 'The line is not a JSON object.' }],
  },
  warnings: [{ code: 'volatile_updated_at', sentence: 'Its timestamps are those of the query.' }],
}

test('a report in plain words: what was read, what came of it, why rows are in quarantine, what was dropped', () => {
  expect(reportText(report)).toBe(`partial  The manual run r1 of crm ended, and left something out (2 min).
  1,234 rows read:
    1,000 created
       34 merged into a later row of the same id
      200 rejected, and kept in quarantine
  rows that were rejected: invalid_payload (150), invalid_id (50)
    → sluice quarantine list --sync crm
  fields that are not in the account schema and were dropped: a\\u001b[31m (9), x_note (7)
    → add them under \`schema.fields\` of sluice.yaml to keep them
  values that did not fit their type and were dropped, the rest of their rows applied: employees (1)
  files: 2 applied, 1 skipped
    a.jsonl, line 7: The line is not a JSON object. [invalid_json]
  warning: Its timestamps are those of the query. [volatile_updated_at]
  watermark: 2026-01-01T00:00:00.000000Z → 2026-01-02T00:00:00.000000Z
  in Temporal: http://localhost:8233/x
`)
})

test('a run that needs a person says what to do', () => {
  const { rejected, dropped_fields, type_mismatches, files, warnings, watermark, temporal_url, finished_at, ...rest } =
    report
  const rows = { read: 0, created: 0, updated: 0, unchanged: 0, deleted: 0, ignored: 0, merged: 0, rejected: 0 }
  const error = { code: 'object_missing', sentence: 'The table was not found.', remedy: 'Check its name.' }
  expect(
    reportText({ ...rest, status: 'config_error', rows, error }),
  ).toBe(`config_error  The manual run r1 of crm needs a person.
  0 rows read
  The table was not found. [object_missing]
  → Check its name.
`)
})

test('a run that is paused says by whom, why, since when, and how it goes on', () => {
  const rows = { read: 0, created: 0, updated: 0, unchanged: 0, deleted: 0, ignored: 0, merged: 0, rejected: 0 }
  const { run_id, sync, kind, workflow_id, started_at } = report
  const paused = { run_id, sync, kind, workflow_id, started_at, status: 'paused', rows } as const
  expect(reportText(paused, { by: 'ops', reason: 'new fields', since: '2026-01-01T00:00:09.000Z' })).toBe(
    `paused  The manual run r1 of crm is paused.
  paused by ops since 2026-01-01T00:00:09.000Z: new fields
  → \`sluice sync resume crm\` lets it go on, \`sluice sync cancel crm\` ends it
  0 rows read
`,
  )
  expect(reportText(paused)).toContain('sluice sync resume crm')
})
