import { readFileSync } from 'node:fs'
import { Refusal } from '@sluice/control/refusal'
import { Command } from 'commander'
import { account } from './commands/account.ts'
import { addApply } from './commands/apply.ts'
import { connection } from './commands/connection.ts'
import { addDoctor } from './commands/doctor.ts'
import { addPlan } from './commands/plan.ts'
import { quarantine } from './commands/quarantine.ts'
import { run } from './commands/run.ts'
import { schema } from './commands/schema.ts'
import { sync } from './commands/sync.ts'
import { addUp } from './commands/up.ts'
import { addUsage } from './commands/usage.ts'
import { watermark } from './commands/watermark.ts'
import { addWorker } from './commands/worker.ts'

/** The tree of commands. Each loads what it needs when it runs, so that all of them start fast. */
export function program(): Command {
  const root = new Command('sluice')
    .description(
      'Account records from warehouses and files into an account store; every sync run is a Temporal workflow.',
    )
    // `sluice schema show --version 1` means the schema's.
    .enablePositionalOptions()
    .version(version(), '--version', 'print the version')
    .addHelpText(
      'after',
      `
Exit codes:
  0 done, 1 a bug, 2 wrong usage, 3 config_error, 4 partial, 5 error, 6 limit_exceeded, 7 cancelled, 8 refused

Example:
  sluice up --demo`,
    )
  addUp(root)
  addWorker(root)
  addPlan(root)
  addApply(root)
  for (const group of [schema(), connection(), sync(), run(), quarantine(), watermark(), account()])
    root.addCommand(group)
  addUsage(root)
  addDoctor(root)
  exitByError(root)
  return root
}

/** Usage errors are thrown to `main`, which tells them as all others and knows the exit codes. */
function exitByError(command: Command, words = command.name()): void {
  command.exitOverride((error) => {
    // Help that was asked for; or that is the answer to a group without a command.
    if (error.exitCode === 0 || error.code === 'commander.help') throw error
    throw new Refusal('wrong_usage', 'wrong_usage', {
      sentence: sentenceOf(error.message),
      remedy: `See \`${words} --help\`.`,
    })
  })
  command.configureOutput({
    outputError: () => {},
    ...(process.argv.includes('--json') && { writeErr: () => {} }),
  })
  for (const inner of command.commands) exitByError(inner, `${words} ${inner.name()}`)
}

/** `error: unknown option '--x'` → `Unknown option '--x'.` */
function sentenceOf(message: string): string {
  const words = message.replace(/^error: /, '').replace(/(?<=[\w'])$/m, '.')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

function version(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
