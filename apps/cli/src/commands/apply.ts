import type { Command } from 'commander'
import { verb, withSession } from '../command.ts'
import { write, writeJson } from '../output/answer.ts'
import { planText } from '../output/planText.ts'
import { readConfiguration } from '../readConfiguration.ts'

export function addApply(root: Command): void {
  verb(root, 'apply', { summary: 'make what is deployed equal to sluice.yaml', example: 'apply -f sluice.yaml' })
    .option('-f, --file <file>', 'the configuration', 'sluice.yaml')
    .option('--reason <text>', 'why, for the history of the account schema')
    .action(
      withSession(async (session, { file, reason }: { file: string; reason?: string }) => {
        const configuration = await readConfiguration(file)
        const { applyConfiguration } = await import('@sluice/control/deployment/applyConfiguration')
        const { changes, schema } = await applyConfiguration(await session.services(), configuration, {
          by: session.by,
          ...(reason !== undefined && { reason }),
        })
        if (session.json) return writeJson({ changes, ...(schema && { schema_version: schema.version }) })
        const { defaultSettings } = await import('@sluice/control/deployment/defaultSettings')
        await write(planText(changes, defaultSettings()))
        await write(changes.length === 0 ? '' : '\nApplied.\n')
      }),
    )
}
