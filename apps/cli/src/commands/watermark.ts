import type { Command } from 'commander'
import { noun, verb, withSession } from '../command.ts'
import { write, writeJson } from '../output/answer.ts'
import { counted } from '../output/table.ts'
import { timestampText } from '../output/timestampText.ts'

export function watermark(): Command {
  const group = noun('watermark', { summary: 'how far a sync has come', example: 'watermark show crm-accounts' })
  verb(group, 'show <sync>', {
    summary: 'show the watermark of a sync',
    example: 'watermark show crm-accounts',
  }).action(
    withSession(async (session, sync: string) => {
      const { showWatermark } = await import('@sluice/control/runs/showWatermark')
      const found = await showWatermark(await session.store(), sync)
      if (session.json) return writeJson(found)
      await write(
        `${timestampText(found.updated_at)}, with ${counted(found.rows_at_updated_at, 'row')} at exactly that time\nmoved there ${found.moved_at} by ${found.by}\n`,
      )
    }),
  )
  return group
}
