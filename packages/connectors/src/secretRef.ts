import { z } from 'zod'

/** Where a secret is found: `{ env: NAME }` or `{ file: path }`. The secret itself is never written in a configuration. */
export const secretRef = z.union(
  [
    z.strictObject({ env: z.string().min(1).describe('Name of an environment variable of the worker.') }),
    z.strictObject({
      file: z.string().min(1).describe('Path of a file; one line break at its end is not part of it.'),
    }),
  ],
  { error: 'expected { env: NAME } or { file: path }; secrets are never written in the configuration' },
)

/** Text that may also be kept outside the configuration, as a secret is. */
export const textOrRef = z.union([z.string().min(1), secretRef], {
  error: 'expected text that is not empty, { env: NAME } or { file: path }',
})
