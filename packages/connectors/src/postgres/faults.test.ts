import type { FaultCode } from '@sluice/core/faults'
import { SluiceError } from '@sluice/core/faults'
import { describe, expect, test } from 'vitest'
import { postgresFault } from './faults.ts'

/** As pg 8.23 and PostgreSQL 18 gave them; `detail` and `where` hold a row's value where the server put one there. */
const recorded: [FaultCode, Record<string, string>][] = [
  [
    'authentication_failed',
    { code: '28P01', severity: 'FATAL', message: 'password authentication failed for user "u"' },
  ],
  ['authentication_failed', { code: '28000', severity: 'FATAL', message: 'role "u" is not permitted to log in' }],
  [
    'authentication_failed',
    {
      code: '28000',
      severity: 'FATAL',
      message: 'no pg_hba.conf entry for host "10.0.0.1", user "u", database "d", no encryption',
    },
  ],
  ['authentication_failed', { message: 'SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string' }],
  ['database_missing', { code: '3D000', severity: 'FATAL', message: 'database "d" does not exist' }],
  ['object_missing', { code: '42P01', severity: 'ERROR', message: 'relation "s.t" does not exist' }],
  ['object_missing', { code: '3F000', severity: 'ERROR', message: 'schema "s" does not exist' }],
  ['column_missing', { code: '42703', severity: 'ERROR', message: 'column "c" does not exist' }],
  ['permission_denied', { code: '42501', severity: 'ERROR', message: 'permission denied for table t' }],
  ['query_invalid', { code: '42601', severity: 'ERROR', message: 'syntax error at or near "selec"' }],
  ['query_invalid', { code: '42883', severity: 'ERROR', message: 'function nofunc(integer) does not exist' }],
  [
    'query_invalid',
    { code: '25006', severity: 'ERROR', message: 'cannot execute CREATE TABLE in a read-only transaction' },
  ],
  [
    'query_invalid',
    {
      code: '25001',
      severity: 'ERROR',
      message: 'cannot set transaction read-write mode inside a read-only transaction',
    },
  ],
  [
    'query_invalid',
    {
      code: '0A000',
      severity: 'ERROR',
      message: 'WITH clause containing a data-modifying statement must be at the top level',
    },
  ],
  ['source_data_error', { code: '55000', severity: 'ERROR', message: 'materialized view "mv" has not been populated' }],
  ['source_throttled', { code: '53300', severity: 'FATAL', message: 'sorry, too many clients already' }],
  ['source_throttled', { code: '53300', severity: 'FATAL', message: 'too many connections for role "u"' }],
  [
    'source_throttled',
    { code: '53400', severity: 'ERROR', message: 'temporary file size exceeds "temp_file_limit" (1024kB)' },
  ],
  ['source_interrupted', { code: '53200', severity: 'ERROR', message: 'out of memory' }],
  [
    'source_interrupted',
    { code: '40001', severity: 'ERROR', message: 'canceling statement due to conflict with recovery' },
  ],
  ['source_interrupted', { code: '40P01', severity: 'ERROR', message: 'deadlock detected' }],
  ['source_interrupted', { code: '57014', severity: 'ERROR', message: 'canceling statement due to user request' }],
  [
    'source_interrupted',
    { code: '25P04', severity: 'FATAL', message: 'terminating connection due to transaction timeout' },
  ],
  ['source_interrupted', { code: '55P03', severity: 'ERROR', message: 'canceling statement due to lock timeout' }],
  ['source_interrupted', { message: 'Connection terminated unexpectedly' }],
  [
    'source_unavailable',
    { code: '57P01', severity: 'FATAL', message: 'terminating connection due to administrator command' },
  ],
  [
    'source_unavailable',
    { code: '57P02', severity: 'FATAL', message: 'terminating connection because of crash of another server process' },
  ],
  ['source_unavailable', { code: '57P03', severity: 'FATAL', message: 'the database system is starting up' }],
  ['source_unavailable', { code: '08006', severity: 'ERROR', message: 'could not connect to server "remote"' }],
  ['source_unavailable', { code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 127.0.0.1:1' }],
  ['source_unavailable', { code: 'ECONNRESET', message: 'read ECONNRESET' }],
  ['source_unavailable', { code: 'EPIPE', message: 'write EPIPE' }],
  ['source_unavailable', { code: 'ETIMEDOUT', message: 'connect ETIMEDOUT 10.0.0.1:5432' }],
  ['source_unavailable', { code: 'EHOSTUNREACH', message: 'connect EHOSTUNREACH 10.0.0.1:5432' }],
  ['source_unavailable', { code: 'EAI_AGAIN', message: 'getaddrinfo EAI_AGAIN db.example.com' }],
  ['source_unavailable', { message: 'timeout expired' }],
  ['host_unknown', { code: 'ENOTFOUND', message: 'getaddrinfo ENOTFOUND no-such-host.invalid' }],
  ['tls_failed', { message: 'The server does not support SSL connections' }],
  [
    'tls_failed',
    {
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
      message: 'self-signed certificate; if the root CA is installed locally, try running Node.js with --use-system-ca',
    },
  ],
  ['tls_failed', { code: 'CERT_HAS_EXPIRED', message: 'certificate has expired' }],
  ['tls_failed', { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', message: 'unable to verify the first certificate' }],
  [
    'tls_failed',
    { code: 'ERR_TLS_CERT_ALTNAME_INVALID', message: "Hostname/IP does not match certificate's altnames" },
  ],
]

/** Of these not a word may be kept. */
const aboutRows: [FaultCode, Record<string, string>][] = [
  [
    'source_data_error',
    { code: '22P02', severity: 'ERROR', message: 'invalid input syntax for type integer: "row-value"' },
  ],
  [
    'source_data_error',
    {
      code: '22P02',
      severity: 'ERROR',
      message: 'invalid input syntax for type json',
      detail: 'Token "row-value" is invalid.',
      where: 'JSON data, line 1: row-value...',
    },
  ],
  ['source_data_error', { code: '22012', severity: 'ERROR', message: 'division by zero' }],
  [
    'source_data_error',
    { code: '21000', severity: 'ERROR', message: 'more than one row returned by a subquery used as an expression' },
  ],
  [
    'source_data_error',
    {
      code: 'P0001',
      severity: 'ERROR',
      message: 'bad row-value',
      where: 'PL/pgSQL function boom(text) line 1 at RAISE',
    },
  ],
  ['internal', { code: 'XX000', severity: 'ERROR', message: 'cache lookup failed for row-value' }],
  [
    'internal',
    { code: '23505', severity: 'ERROR', message: 'duplicate key', detail: 'Key (id)=(row-value) already exists.' },
  ],
  ['internal', { message: 'something of row-value' }],
]

function asError({ message, ...fields }: Record<string, string>): Error {
  return Object.assign(new Error(message), fields)
}

describe('errors of pg and PostgreSQL as faults', () => {
  test.each(recorded)('%s: %o', (code, error) => {
    const fault = postgresFault(asError(error))
    expect(fault.code).toBe(code)
    expect(fault.message).toContain(error.message!.split(';')[0])
  })

  test.each(aboutRows)('%s without a value of a row: %o', (code, error) => {
    const fault = postgresFault(asError(error))
    expect(fault.code).toBe(code)
    expect(fault.message).not.toContain('row-value')
    if (error.severity === undefined) return
    expect(fault.message).toContain(error.code)
    expect(fault.cause).toBeUndefined()
  })

  test('§7 a cancelled statement that had used up its time is query_timeout', () => {
    const error = asError({ code: '57014', severity: 'ERROR', message: 'canceling statement due to statement timeout' })
    expect(postgresFault(error, { timedOut: true }).code).toBe('query_timeout')
  })

  test('a host of several addresses is told by the first', () => {
    const errors = ['::1', '127.0.0.1'].map((at) =>
      asError({ code: 'ECONNREFUSED', message: `connect ECONNREFUSED ${at}:1` }),
    )
    expect(postgresFault(new AggregateError(errors))).toMatchObject({
      code: 'source_unavailable',
      message: expect.stringContaining('connect ECONNREFUSED ::1:1'),
    })
  })

  test('a fault stays what it is', () => {
    const fault = new SluiceError('column_missing')
    expect(postgresFault(fault)).toBe(fault)
  })
})
