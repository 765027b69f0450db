import type { Command } from 'commander'
import { verb, withSession } from '../command.ts'
import { write, writeJson } from '../output/answer.ts'
import { counted, grouped } from '../output/table.ts'

export function addUsage(root: Command): void {
  verb(root, 'usage', { summary: 'how many accounts are stored, and their bytes', example: 'usage --recount' })
    .option('--recount', 'count anew from the accounts themselves')
    .action(
      withSession(async (session, { recount }: { recount?: boolean }) => {
        const { readUsage, recountUsage } = await import('@sluice/control/accounts/readUsage')
        const store = await session.store()
        const usage = await (recount ? recountUsage(store) : readUsage(store))
        if (session.json) return writeJson(usage)
        await write(
          `${counted(usage.accounts, 'account')}, ${grouped(usage.bytes)} bytes of ids, names and attributes\n`,
        )
      }),
    )
}
