import { styleText } from 'node:util'
import type { Command } from 'commander'
import { noun, verb, withSession } from '../command.ts'
import { exitCode, exitCodeOf } from '../exitCode.ts'
import { write, writeJson } from '../output/answer.ts'
import { printable } from '../output/printable.ts'
import { table } from '../output/table.ts'

export function connection(): Command {
  const group = noun('connection', { summary: 'how sources are reached', example: 'connection test warehouse' })

  verb(group, 'list', { summary: 'list connections and the syncs that use them', example: 'connection list' }).action(
    withSession(async (session) => {
      const { connectionText, listConnections } = await import('@sluice/control/deployment/readSyncs')
      const connections = await listConnections(await session.store())
      if (session.json) return write(connections.map((one) => `${JSON.stringify(one)}\n`).join(''))
      await write(
        table(
          ['CONNECTION', 'SYNCS', 'OPTIONS'],
          connections.map((one) => [
            one.connection,
            one.syncs.join(', ') || null,
            connectionText({ type: one.type, ...one.options }),
          ]),
          { lastColumnCharactersMax: Number.POSITIVE_INFINITY },
        ),
      )
    }),
  )

  verb(group, 'test <name>', {
    summary: 'try a connection step by step',
    example: 'connection test warehouse --sync crm-accounts',
  })
    .option('--sync <sync>', 'look at the table, view or files of this sync as well')
    .action(
      withSession(async (session, name: string, { sync }: { sync?: string }) => {
        const { testConnection } = await import('@sluice/control/sources/testConnection')
        const { faults } = await import('@sluice/core/faults')
        const request = { name, env: session.env, ...(sync !== undefined && { sync }) }
        let exit: number = exitCode.done
        for await (const step of testConnection(await session.store(), request, session.interrupt)) {
          if (session.json) await writeJson(step)
          else {
            const sign = step.ok
              ? styleText('green', '✓', { stream: process.stdout })
              : styleText('red', '✗', { stream: process.stdout })
            await write(
              `${sign} ${step.step.padEnd(12)} ${printable(step.sentence)}${step.code === undefined ? '' : ` [${step.code}]`}\n`,
            )
            if (step.remedy !== undefined) await write(`  → ${printable(step.remedy)}\n`)
          }
          if (!step.ok)
            exit =
              step.code !== undefined && step.code in faults
                ? exitCodeOf(faults[step.code as keyof typeof faults].status)
                : exitCode.error
        }
        return exit
      }),
    )
  return group
}
