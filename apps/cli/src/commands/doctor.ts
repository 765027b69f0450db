import { styleText } from 'node:util'
import type { Command } from 'commander'
import { verb, withSession } from '../command.ts'
import { exitCode } from '../exitCode.ts'
import { write, writeJson } from '../output/answer.ts'
import { factsText } from '../output/factsText.ts'
import { printable } from '../output/printable.ts'

export function addDoctor(root: Command): void {
  verb(root, 'doctor', {
    summary: 'look at Temporal, store, stage, worker, clock and versions',
    example: 'doctor',
  }).action(
    withSession(async (session) => {
      const { diagnose, isHealthy } = await import('@sluice/control/doctor')
      // Both are asked for here: without a deployment there is nothing to look at.
      const store = await session.newStore()
      const diagnosis = await diagnose({
        openStore: () => store,
        openTemporal: () => session.newTemporal(),
        stage: session.env.SLUICE_STAGE,
        temporalAddress: session.env.TEMPORAL_ADDRESS ?? '',
        temporalUi: session.ui?.url,
      })
      if (session.json) await writeJson(diagnosis)
      else
        for (const [part, { ok, sentence, remedy, ...facts }] of Object.entries(diagnosis)) {
          const sign = ok
            ? styleText('green', '✓', { stream: process.stdout })
            : styleText('red', '✗', { stream: process.stdout })
          // A sentence tells what is wrong; of the facts, where it is so remains to be told.
          const { address, url } = facts
          const place = address ?? url
          const told = sentence ? `${sentence}${place ? ` (${place})` : ''}` : factsText(facts)
          await write(`${sign} ${part.padEnd(9)} ${printable(told)}\n`)
          if (remedy) await write(`  → ${printable(remedy)}\n`)
        }
      return isHealthy(diagnosis) ? exitCode.done : exitCode.configError
    }),
  )
}
