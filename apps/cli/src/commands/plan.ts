import type { Command } from 'commander'
import { verb, withSession } from '../command.ts'
import { write, writeJson } from '../output/answer.ts'
import { planText } from '../output/planText.ts'
import { readConfiguration } from '../readConfiguration.ts'

export function addPlan(root: Command): void {
  verb(root, 'plan', {
    summary: 'show the difference between sluice.yaml and what is deployed',
    example: 'plan -f sluice.yaml',
  })
    .option('-f, --file <file>', 'the configuration', 'sluice.yaml')
    .action(
      withSession(async (session, { file }: { file: string }) => {
        const configuration = await readConfiguration(file)
        const { planConfiguration } = await import('@sluice/control/deployment/applyConfiguration')
        const { changes, refusal } = await planConfiguration(await session.services(), configuration)
        const refused = refusal && { code: refusal.code, sentence: refusal.message, remedy: refusal.remedy }
        if (session.json) return writeJson({ changes, ...(refused && { refused }) })
        const { defaultSettings } = await import('@sluice/control/deployment/defaultSettings')
        await write(planText(changes, defaultSettings()))
        if (refused) await write(`\n\`sluice apply\` would be refused: ${refused.sentence}\n→ ${refused.remedy}\n`)
      }),
    )
}
