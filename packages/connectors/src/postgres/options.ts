import { z } from 'zod'
import { secretRef, textOrRef } from '../secretRef.ts'

const portError = { error: 'expected a port from 1 to 65535, { env: NAME } or { file: path }' }

export const postgresOptions = z.strictObject({
  type: z.literal('postgres'),
  host: textOrRef.describe(
    'Host name or address of the server, or the absolute path of the folder of its Unix socket.',
  ),
  port: z
    .union([z.int(portError).min(1, portError).max(65535, portError), secretRef], portError)
    .default(5432)
    .describe('Port of the server.'),
  database: textOrRef.describe('Database that holds the table or view.'),
  user: textOrRef.describe('User (role) to log in as. It needs no more than SELECT on the object.'),
  password: secretRef.describe('Password of the user.'),
  tls: z
    .enum(['verify', 'require', 'disable'], { error: 'expected verify, require or disable' })
    .default('verify')
    .describe(
      'verify: encrypted, and the certificate must be trusted and name the host. require: encrypted, to whatever server answers. disable: not encrypted, for a server on the same machine.',
    ),
  ca: secretRef.optional().describe('PEM certificates to trust instead of those of the system, for `tls: verify`.'),
})

export type PostgresOptions = z.infer<typeof postgresOptions>
