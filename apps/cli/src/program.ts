import { readFileSync } from 'node:fs'
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
    .version(version(), '--version', 'print the version')
    .addHelpText(
      'after',
      `
Exit codes:
  0 done, 1 a bug, 2 wrong usage, 3 config_error, 4 partial, 5 error, 6 limit_exceeded, 7 cancelled, 8 refused

Example:
  sluice up --demo`,
    )
    .showHelpAfterError('Run `sluice --help` for the commands.')
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

/** Usage errors are thrown to `main`, which knows the exit codes. */
function exitByError(command: Command): void {
  command.exitOverride()
  if (process.argv.includes('--json')) command.configureOutput({ writeErr: () => {} })
  for (const inner of command.commands) exitByError(inner)
}

function version(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
