import type { Command } from 'commander'
import { noun, verb, wholeNumber, withSession } from '../command.ts'
import { say, write } from '../output/answer.ts'
import { grouped, table } from '../output/table.ts'

export function quarantine(): Command {
  const group = noun('quarantine', 'rows that were rejected, with the reason')
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
        if (session.json) return write(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
        await write(
          table(
            ['SYNC', 'ID', 'UPDATED_AT', 'CODE', 'WHY', 'PAYLOAD'],
            rows.map((row) => [row.sync, row.id, row.updated_at, row.code, row.sentence, row.payload]),
          ),
        )
        if (total > rows.length) say(`${grouped(total)} in all; --limit shows more.`)
      }),
    )
  return group
}
