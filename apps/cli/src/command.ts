import { Command, InvalidArgumentError } from 'commander'
import { exitCode } from './exitCode.ts'
import { Session } from './session.ts'

/** A group of commands: a noun. */
export function noun(name: string, { summary, example }: { summary: string; example: string }): Command {
  return new Command(name).description(summary).addHelpText('after', exampleText(example))
}

/** Adds a command with what every one of them has: `--json`, and an example in its help. */
export function verb(
  parent: Command,
  usage: string,
  { summary, example }: { summary: string; example: string },
): Command {
  return parent
    .command(usage)
    .description(summary)
    .option('--json', 'answer in JSON on standard output: one document, or a line each for lists and streams')
    .addHelpText('after', exampleText(example))
}

function exampleText(example: string): string {
  return `\nExample:\n  sluice ${example}`
}

/** The action of a command: opens a session, sets the exit code to what `work` returns (0 unless it says otherwise). */
export function withSession<Given extends unknown[]>(
  work: (session: Session, ...given: Given) => Promise<number | undefined>,
): (...given: [...Given, ...unknown[]]) => Promise<void> {
  return async (...given) => {
    const command = given.at(-1) as Command
    const session = new Session(process.env, { json: command.opts().json === true })
    try {
      process.exitCode = (await work(session, ...(given as unknown as Given))) ?? exitCode.done
    } finally {
      await session.close()
    }
  }
}

/** For `--limit N` and the like. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= min && value <= max))
      throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`)
    return value
  }
}
