import type { Command } from 'commander'
import { noun, verb, wholeNumber, withSession } from '../command.ts'
import { say, write, writeJson } from '../output/answer.ts'
import { printable } from '../output/printable.ts'
import { grouped, table } from '../output/table.ts'
import { timestampText } from '../output/timestampText.ts'

export function quarantine(): Command {
  const group = noun('quarantine', {
    summary: 'rows that were rejected, with the reason',
    example: 'quarantine list --sync crm-accounts',
  })
  verb(group, 'list', {
    summary: 'list rejected rows, newest first',
    example: 'quarantine list --sync crm-accounts --code invalid_payload',
  })
    .option('--sync <sync>', 'of this sync only')
    .option('--code <code>', 'rejected for this reason only')
    .option('--limit <n>', 'how many at most', wholeNumber(1, 100_000), 100)
    .action(
      withSession(async (session, options: { sync?: string; code?: string; limit: number }) => {
        const { readQuarantine } = await import('@sluice/control/runs/readQuarantine')
        const { rows, total } = await readQuarantine(await session.store(), options)
        if (session.json) {
          // Line by line: with payloads, all of them together may be longer than a string can be.
          for (const row of rows) await writeJson(row)
          return
        }
        await write(
          table(
            ['QUARANTINED_AT', 'SYNC', 'ID', 'UPDATED_AT', 'CODE', 'PAYLOAD'],
            rows.map((row) => [
              row.quarantined_at,
              row.sync,
              row.id,
              row.updated_at && timestampText(row.updated_at),
              row.code,
              row.payload,
            ]),
          ),
        )
        const reasons = new Set(rows.map((row) => `${row.code}: ${printable(row.sentence)}\n`))
        if (reasons.size > 0) await write(`\n${[...reasons].sort().join('')}`)
        if (total > rows.length) say(`${grouped(total)} in all; --limit shows more.`)
      }),
    )
  return group
}
