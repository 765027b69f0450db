import { once } from 'node:events'

/** To standard output, as fast as the reader takes it. Answers nothing: a command that ends with it is done. */
export async function write(text: string): Promise<undefined> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain')
}

/** One JSON document on one line. */
export async function writeJson(value: unknown): Promise<undefined> {
  await write(`${JSON.stringify(value)}\n`)
}

/** Talk goes to standard error. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
