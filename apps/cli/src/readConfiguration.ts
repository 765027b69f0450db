import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Configuration } from '@sluice/control/config/parseConfiguration'
import { Refusal } from '@sluice/control/refusal'

/** @throws Refusal `file_missing`; ConfigurationProblems */
export async function readConfiguration(file: string): Promise<Configuration> {
  const absolute = path.resolve(file)
  const { parseConfiguration } = await import('@sluice/control/config/parseConfiguration')
  const { fileBytesMax } = await import('@sluice/control/config/readYaml')
  let bytes: Uint8Array
  try {
    const { size } = await stat(absolute)
    // The parser says what is wrong with a huge file; it need not be in memory for that.
    bytes = size > fileBytesMax ? new Uint8Array(fileBytesMax + 1) : await readFile(absolute)
  } catch (error) {
    throw new Refusal('wrong_usage', 'file_missing', {
      sentence: `The configuration ${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`,
      remedy: 'Name it with -f FILE; demo/sluice.yaml is one to begin with.',
    })
  }
  return parseConfiguration(bytes, absolute, file)
}
