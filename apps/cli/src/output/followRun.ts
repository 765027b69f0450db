import { styleText } from 'node:util'
import type { RunView } from '@sluice/control/runs/watchRun'
import type { RunReport } from '@sluice/core/run/runReport'
import { say } from './answer.ts'
import { printable, shortened } from './printable.ts'
import { grouped } from './table.ts'

interface Hold {
  what: string
  text: string
}

/**
 * Shows a run on standard error until it ends: on a terminal one line that moves; elsewhere, and besides, a line whenever
 * it begins to wait or pauses.
 */
export async function followRun(views: AsyncGenerator<RunView, RunReport>): Promise<RunReport> {
  const terminal = process.stderr.isTTY === true
  const wipe = () => terminal && process.stderr.write('\r\u001b[2K')
  let held: string | undefined
  let sentence: string | undefined
  try {
    for (;;) {
      const { done, value } = await views.next()
      if (done) return value
      const hold = holdOf(value, sentence)
      if (hold?.what !== held) {
        wipe()
        say(hold ? styleText('yellow', printable(hold.text), { stream: process.stderr }) : 'goes on')
      }
      held = hold?.what
      sentence = value.waiting?.sentence ?? sentence
      if (terminal) {
        wipe()
        process.stderr.write(shortened(progressText(value), (process.stderr.columns || 80) - 1))
      }
    }
  } finally {
    wipe()
  }
}

/**
 * Why it does not go on just now; undefined if it does. `what` stays the same as long as there is nothing new to tell. What
 * it waits for is told when it is another than what was told last.
 */
function holdOf({ sync, waiting, paused, phase }: RunView, told: string | undefined): Hold | undefined {
  if (waiting) {
    const attempt = waiting.attempt === undefined ? '' : ` (attempt ${waiting.attempt} failed)`
    const next = waiting.next_attempt_at === undefined ? '' : ` Next attempt at ${waiting.next_attempt_at}.`
    const text = waiting.sentence === told ? `still waiting${attempt}.` : `waiting${attempt}: ${waiting.sentence}`
    return { what: `${waiting.attempt}: ${waiting.sentence}`, text: text + next }
  }
  if (phase !== 'paused' || !paused) return undefined
  const text = `paused by ${paused.by} since ${paused.since}: ${paused.reason}. It goes on with \`sluice sync resume ${sync}\`.`
  return { what: text, text }
}

function progressText({ phase, rows, batches }: RunView): string {
  if (phase === undefined || !rows || !batches) return 'starting'
  return `${phase}: ${grouped(rows.extracted)} rows read, ${grouped(rows.applied)} applied, ${grouped(rows.rejected)} rejected, batch ${grouped(batches.applied)} of ${grouped(batches.extracted)}`
}
