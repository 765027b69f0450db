import { ConfigurationProblems, problemText } from '@sluice/control/config/problem'
import { Refusal } from '@sluice/control/refusal'
import { reportFault, SluiceError } from '@sluice/core/faults'
import { CommanderError } from 'commander'
import { exitCode, exitCodeOf } from '../exitCode.ts'
import { printable } from './printable.ts'

interface Failure {
  exit: number
  code: string
  sentence: string
  remedy: string
  /** More of the same, for programs. */
  problems?: unknown[]
}

/** Tells what went wrong: sentence, remedy, code; never a bare stack. Returns the exit code. */
export function fail(error: unknown, { json, debug }: { json: boolean; debug: boolean }): number {
  if (error instanceof CommanderError && error.exitCode === 0) return exitCode.done
  const { exit, ...failure } = failureOf(error)
  if (json) process.stdout.write(`${JSON.stringify({ error: failure })}\n`)
  // Commander has shown the help of a group without a command.
  else if (!(error instanceof CommanderError))
    process.stderr.write(
      `${printable(failure.sentence, { lines: true })}\n${failure.remedy === '' ? '' : `→ ${printable(failure.remedy)}\n`}[${failure.code}]\n`,
    )
  if (debug && error instanceof Error) process.stderr.write(`${error.stack}\n`)
  return exit
}

function failureOf(error: unknown): Failure {
  if (error instanceof SluiceError) return { exit: exitCodeOf(error.fault.status), ...reportFault(error) }
  if (error instanceof Refusal)
    return {
      exit: error.kind === 'refused' ? exitCode.refused : exitCode.wrongUsage,
      code: error.code,
      sentence: error.message,
      remedy: error.remedy,
    }
  if (error instanceof ConfigurationProblems)
    return {
      exit: exitCode.configError,
      code: 'config_invalid',
      sentence: error.message,
      remedy: 'Mend the file; every key is described in docs/configuration.md.',
      problems: error.problems.map((problem) => ({
        file: error.file,
        ...problem,
        text: problemText(error.file, problem),
      })),
    }
  if (error instanceof CommanderError)
    return {
      exit: exitCode.wrongUsage,
      code: 'wrong_usage',
      sentence: 'A command is missing.',
      remedy: 'See `sluice --help`.',
    }
  if (error instanceof Error && error.name === 'AbortError')
    return { exit: exitCode.interrupted, code: 'interrupted', sentence: 'Interrupted.', remedy: '' }
  return {
    exit: exitCode.bug,
    code: 'internal',
    sentence: `Something unexpected happened: ${error instanceof Error ? error.message : String(error)}`,
    remedy: 'This is a bug of Sluice. Run the command again with SLUICE_DEBUG=1 to see where, and report it.',
  }
}
