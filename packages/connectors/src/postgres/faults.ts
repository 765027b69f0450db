import { type FaultCode, SluiceError } from '@sluice/core/faults'

/** What the caller knows and the error does not tell. */
export interface FaultContext {
  /** The statement had used up its `statement_timeout`. The server gives 57014 for every kind of cancel. */
  timedOut?: boolean
}

/**
 * A driver's or server's error as one of ours. Words of the server are kept only where they name nothing but objects,
 * users and hosts: never those of class 22 (data exceptions) and of functions, which quote values of rows, and never
 * `detail` and `where`.
 */
export function postgresFault(error: unknown, context: FaultContext = {}): SluiceError {
  if (error instanceof SluiceError) return error
  const { code, message } = mainError(error)
  // The cause would carry the server's words into logs and histories.
  if (isSqlState(code, error)) return serverFault(code, message, context)
  return driverFault(code, message, error)
}

/** By SQLSTATE, then by its class (the first two characters). */
const states: Record<string, FaultCode> = {
  '08': 'source_unavailable',
  '0A000': 'query_invalid',
  '25': 'query_invalid',
  '25P03': 'source_interrupted',
  '25P04': 'source_interrupted',
  '28': 'authentication_failed',
  '3D000': 'database_missing',
  '3F000': 'object_missing',
  '40': 'source_interrupted',
  '42': 'query_invalid',
  '42501': 'permission_denied',
  '42703': 'column_missing',
  '42P01': 'object_missing',
  '53': 'source_interrupted',
  '53300': 'source_throttled',
  '53400': 'source_throttled',
  '55': 'source_interrupted',
  // A materialized view that was never filled.
  '55000': 'source_data_error',
  '57': 'source_unavailable',
  '57014': 'source_interrupted',
  '57P05': 'source_interrupted',
}

/** Classes of errors that rows cause: cardinality, data, functions of the user's own (PL/pgSQL `RAISE` is P0001). */
const dataClasses = new Set(['21', '22', '2F', '38', '39', 'P0'])

function serverFault(state: string, message: string, { timedOut = false }: FaultContext): SluiceError {
  if (state === '57014' && timedOut) return new SluiceError('query_timeout')
  const stateClass = state.slice(0, 2)
  if (dataClasses.has(stateClass)) return new SluiceError('source_data_error', `PostgreSQL gave the code ${state}.`)
  const code = states[state] ?? states[stateClass]
  if (code === undefined) return new SluiceError('internal', `PostgreSQL gave the code ${state}.`)
  return new SluiceError(code, `PostgreSQL said: ${message} (${state}).`)
}

const systemCodes: Record<string, FaultCode> = {
  ECONNREFUSED: 'source_unavailable',
  ECONNRESET: 'source_unavailable',
  ECONNABORTED: 'source_unavailable',
  EPIPE: 'source_unavailable',
  ETIMEDOUT: 'source_unavailable',
  EHOSTUNREACH: 'source_unavailable',
  EHOSTDOWN: 'source_unavailable',
  ENETUNREACH: 'source_unavailable',
  ENETDOWN: 'source_unavailable',
  EADDRNOTAVAIL: 'source_unavailable',
  EAI_AGAIN: 'source_unavailable',
  // A Unix socket that is not there: the server is down.
  ENOENT: 'source_unavailable',
  EMFILE: 'source_throttled',
  ENFILE: 'source_throttled',
  ENOTFOUND: 'host_unknown',
  EPROTO: 'tls_failed',
}

/** Codes of Node's TLS and of OpenSSL's certificate checks. */
const tlsCode =
  /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|CRL_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|INVALID_CA|HOSTNAME_MISMATCH|PATH_LENGTH_)/

/** `pg` gives these no code. */
const driverMessages: [RegExp, FaultCode][] = [
  [/does not support SSL|establishing an SSL connection/, 'tls_failed'],
  [/^SASL:|password must be a string/i, 'authentication_failed'],
  [/timeout expired|connection timeout/, 'source_unavailable'],
  [/^Connection terminated|^Client was closed|not queryable|socket disconnected before secure/, 'source_interrupted'],
]

function driverFault(code: string | undefined, message: string, cause: unknown): SluiceError {
  if (code !== undefined) {
    const fault = systemCodes[code] ?? (tlsCode.test(code) ? 'tls_failed' : undefined)
    // Node adds advice about its own command line behind a semicolon.
    if (fault !== undefined) return new SluiceError(fault, `${message.split(';')[0]!.replace(/\.$/, '')}.`, { cause })
  }
  for (const [words, fault] of driverMessages) {
    if (words.test(message)) return new SluiceError(fault, `${message}.`, { cause })
  }
  return new SluiceError('internal', code === undefined ? undefined : `The driver gave the code ${code}.`, { cause })
}

function isSqlState(code: string | undefined, error: unknown): code is string {
  // System codes such as EPIPE look alike, but come without a severity.
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) && error instanceof Error && 'severity' in error
}

/** A host with several addresses fails with one error for each of them. */
function mainError(error: unknown): { code: string | undefined; message: string } {
  const first = error instanceof AggregateError ? (error.errors[0] ?? error) : error
  const { code, message } = first as { code?: unknown; message?: unknown }
  return { code: typeof code === 'string' ? code : undefined, message: typeof message === 'string' ? message : '' }
}
