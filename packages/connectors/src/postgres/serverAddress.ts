import type { ConnectionOptions } from 'node:tls'
import { SluiceError } from '@sluice/core/faults'
import { type Environment, resolveSecret, resolveText } from '../secrets.ts'
import type { PostgresOptions } from './options.ts'
import type { ServerAddress } from './session.ts'

/** PostgreSQL cuts longer names. */
const applicationNameMax = 63

/** @throws SluiceError `secret_missing`, `config_invalid` */
export function serverAddress(options: PostgresOptions, env: Environment, label: string): ServerAddress {
  return {
    host: resolveText(options.host, env),
    port: typeof options.port === 'number' ? options.port : parsePort(resolveText(options.port, env)),
    database: resolveText(options.database, env),
    user: resolveText(options.user, env),
    password: resolveSecret(options.password, env).reveal(),
    ssl: tlsOptions(options, env),
    application_name: `sluice ${label}`.slice(0, applicationNameMax),
  }
}

function tlsOptions({ tls, ca }: PostgresOptions, env: Environment): false | ConnectionOptions {
  switch (tls) {
    case 'disable':
      return false
    case 'require':
      return { rejectUnauthorized: false }
    case 'verify':
      return { rejectUnauthorized: true, ...(ca && { ca: resolveSecret(ca, env).reveal() }) }
  }
}

function parsePort(text: string): number {
  const port = Number(text.trim())
  if (Number.isInteger(port) && port >= 1 && port <= 65535) return port
  throw new SluiceError('config_invalid', 'The `port` of the connection is not a number from 1 to 65535.')
}
