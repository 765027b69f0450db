import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import type { SecretRef } from '@sluice/core/config/syncDefinition'
import { SluiceError } from '@sluice/core/faults'

export type Environment = Readonly<Record<string, string | undefined>>

/** Prints as `[secret]` wherever it is logged, put into a message or turned into JSON. */
export class Secret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  reveal(): string {
    return this.#text
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}

/**
 * Reads the secret anew each time, so that a changed one counts from the next connection on.
 * @throws SluiceError `secret_missing`, naming the variable or the file; an empty secret is a missing one
 */
export function resolveSecret(ref: SecretRef, env: Environment): Secret {
  return new Secret('env' in ref ? readVariable(ref.env, env) : readSecretFile(ref.file))
}

/**
 * An option that may be kept outside the configuration as a secret is.
 * @throws SluiceError `secret_missing`
 */
export function resolveText(option: string | SecretRef, env: Environment): string {
  return typeof option === 'string' ? option : resolveSecret(option, env).reveal()
}

function readVariable(name: string, env: Environment): string {
  const text = env[name]
  if (text === undefined) throw new SluiceError('secret_missing', `The environment variable ${name} is not set.`)
  if (text === '') throw new SluiceError('secret_missing', `The environment variable ${name} is empty.`)
  return text
}

function readSecretFile(file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    throw new SluiceError('secret_missing', `The file ${file} cannot be read (${code}).`, { cause })
  }
  // Editors and `echo` end a file with a line break that nobody means.
  text = text.replace(/\r?\n$/, '')
  if (text === '') throw new SluiceError('secret_missing', `The file ${file} is empty.`)
  return text
}
