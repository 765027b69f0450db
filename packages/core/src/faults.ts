/** Who ends a fault: `time` (retried with back-off and shown as waiting) or a `person` (the run ends, with a remedy). */
type RemedyBy = 'time' | 'person'
export type FaultStatus = 'error' | 'config_error' | 'limit_exceeded'

export interface Fault {
  remedyBy: RemedyBy
  /** The run's status when the fault ends it. `time` faults end a run only after `limits.retry_for`. */
  status: FaultStatus
  sentence: string
  remedy: string
}

/** Every fault that Sluice knows. Each connector maps its driver's codes to these; a code is never reused for another meaning. */
export const faults = {
  // What time mends.
  source_unavailable: {
    remedyBy: 'time',
    status: 'error',
    sentence: 'The source cannot be reached.',
    remedy:
      'Nothing to do if it is restarting. Otherwise check its host, port and network, then run `sluice connection test`.',
  },
  source_throttled: {
    remedyBy: 'time',
    status: 'error',
    sentence: 'The source asked us to slow down or has no free connection.',
    remedy: 'Nothing to do: the run goes on by itself. If it lasts, raise the connection limit of the source.',
  },
  source_interrupted: {
    remedyBy: 'time',
    status: 'error',
    sentence: 'The source broke off the query.',
    remedy: 'Nothing to do: the run reads on from the last commit.',
  },
  store_unavailable: {
    remedyBy: 'time',
    status: 'error',
    sentence: 'The account store cannot be reached.',
    remedy: 'Nothing to do if it is restarting. Otherwise check SLUICE_STORE_URL and run `sluice doctor`.',
  },
  store_conflict: {
    remedyBy: 'time',
    status: 'error',
    sentence: 'The account store met a deadlock or a serialization failure.',
    remedy: 'Nothing to do: the batch is applied again.',
  },
  stage_unavailable: {
    remedyBy: 'time',
    status: 'error',
    sentence: 'The stage cannot be read or written.',
    remedy: 'Check SLUICE_STAGE and the disk behind it, then run `sluice doctor`.',
  },
  stage_corrupt: {
    remedyBy: 'time',
    status: 'error',
    sentence: 'A staged batch is missing or is not what was written.',
    remedy: 'Nothing to do: its rows are read again from the source. If it lasts, check the disk behind SLUICE_STAGE.',
  },
  temporal_unavailable: {
    remedyBy: 'time',
    status: 'error',
    sentence: 'Temporal cannot be reached.',
    remedy: 'Nothing to do if it is restarting. Otherwise check TEMPORAL_ADDRESS and run `sluice doctor`.',
  },
  // What a person mends.
  authentication_failed: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'The source refused the user or the password.',
    remedy: 'Mend user and secret of the connection, then run `sluice connection test`.',
  },
  permission_denied: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'The user may not read this object.',
    remedy:
      'Grant SELECT on it (and USAGE on its schema) to the user of the connection; files must be readable to the worker.',
  },
  database_missing: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'The database of the connection does not exist.',
    remedy: 'Mend `database` of the connection.',
  },
  object_missing: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'The table or view was not found, or this user may not see it.',
    remedy: 'Check its name in `source`, and that the user has USAGE on its schema.',
  },
  column_missing: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'A required column is missing.',
    remedy: 'Add the column, or point the sync at a view that has UPDATED_AT, ID, NAME, PAYLOAD and DELETED.',
  },
  column_ambiguous: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'Two columns differ only in case.',
    remedy: 'Point the sync at a view that has each of UPDATED_AT, ID, NAME, PAYLOAD and DELETED once.',
  },
  column_type: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'A column has a type that cannot be used.',
    remedy: 'Cast the column in a view, and point the sync at it.',
  },
  query_invalid: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'The source did not accept the query.',
    remedy: 'Mend `source.query`: one read-only SELECT statement.',
  },
  source_data_error: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'The source could not compute a value of the view or query.',
    remedy: 'Mend the expression in the view or query; a cast that fails on one row fails the whole query.',
  },
  tls_failed: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'No trusted TLS connection could be made.',
    remedy: 'Mend `tls` of the connection (verify, require or disable) or the certificate of the server.',
  },
  host_unknown: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'The host name of the source does not exist.',
    remedy: 'Mend `host` of the connection.',
  },
  folder_missing: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'The folder or prefix was not found.',
    remedy: 'Mend `path` of the connection or `prefix` of the sync.',
  },
  secret_missing: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'A secret of the connection cannot be read.',
    remedy:
      'Set the environment variable for the worker, and for the terminal of `connection test` and `sync preview`; a file must be readable there.',
  },
  config_invalid: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'The configuration is not valid.',
    remedy: 'Mend sluice.yaml and run `sluice plan`.',
  },
  sync_missing: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'There is no such sync.',
    remedy: 'See `sluice sync list`; add it to sluice.yaml and run `sluice apply`.',
  },
  schema_missing: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'No account schema has been applied yet.',
    remedy: 'Add `schema` to sluice.yaml and run `sluice apply`.',
  },
  stage_full: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'The stage has no room left.',
    remedy: 'Free room on the disk behind SLUICE_STAGE, or move it, then run the sync again.',
  },
  stage_forbidden: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'The worker may not write to the stage.',
    remedy: 'Give the worker the right to write to SLUICE_STAGE.',
  },
  store_refused: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'The account store refused the user, the database or a permission.',
    remedy: 'Mend SLUICE_STORE_URL, or grant its user the rights, then run `sluice doctor`.',
  },
  store_too_new: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'The account store was migrated by a newer version of Sluice.',
    remedy: 'Run the newer version; a store never goes backwards.',
  },
  temporal_refused: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'Temporal refused the credentials or does not have the namespace.',
    remedy: 'Mend TEMPORAL_NAMESPACE, TEMPORAL_API_KEY or TEMPORAL_TLS_*, then run `sluice doctor`.',
  },
  deployment_missing: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'No running Sluice was found.',
    remedy: 'Start one with `./sluice up`, or set SLUICE_STORE_URL and TEMPORAL_ADDRESS to those of another.',
  },
  connection_missing: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'There is no such connection.',
    remedy: 'See `sluice connection list`; add it to sluice.yaml and run `sluice apply`.',
  },
  too_many_rejected: {
    remedyBy: 'person',
    status: 'error',
    sentence: 'More rows were rejected than `stop_when` allows.',
    remedy: 'See `sluice quarantine list`, mend the rows or the schema, then run the sync again.',
  },
  rows_limit: {
    remedyBy: 'person',
    status: 'limit_exceeded',
    sentence: 'The run met its limit of rows.',
    remedy: 'Run the sync again to go on, or raise `limits.rows_per_run`.',
  },
  query_timeout: {
    remedyBy: 'person',
    status: 'limit_exceeded',
    sentence: 'A source query met its limit of time.',
    remedy: 'Run the sync again to go on from the last commit, index UPDATED_AT, or raise `limits.query_timeout`.',
  },
  store_quota: {
    remedyBy: 'person',
    status: 'limit_exceeded',
    sentence: 'The account store met its quota.',
    remedy: 'Raise `store.quota`, or delete accounts, then run the sync again.',
  },
  // The deployment: what `sluice up` starts.
  port_busy: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'A port that was asked for is busy.',
    remedy: 'Stop what listens there, or ask for another port.',
  },
  port_invalid: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'A port that was asked for is not a port.',
    remedy:
      'Set SLUICE_POSTGRES_PORT, SLUICE_TEMPORAL_PORT and SLUICE_TEMPORAL_UI_PORT to numbers from 1 to 65535, or not at all.',
  },
  home_unusable: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'The folder of the deployment cannot be used.',
    remedy: 'Free room there, or set SLUICE_HOME to a folder that this user may write to.',
  },
  up_running: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'Another `sluice up` runs in this home.',
    remedy: 'Use it, stop it with Ctrl-C or `kill`, or set SLUICE_HOME to another folder.',
  },
  server_failed: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'A server of the deployment did not start.',
    remedy: 'Read its log, mend what it names, then run `sluice up` again.',
  },
  temporal_missing: {
    remedyBy: 'person',
    status: 'config_error',
    sentence: 'The Temporal dev server could not be found or fetched.',
    remedy: 'Put the `temporal` CLI (1.9 or later) on PATH, or point TEMPORAL_ADDRESS at a running Temporal.',
  },
  // The run itself.
  run_lost: {
    remedyBy: 'person',
    status: 'error',
    sentence: 'Another run of this sync took over.',
    remedy: 'See `sluice run list` for the run that holds the sync now.',
  },
  internal: {
    remedyBy: 'time',
    status: 'error',
    sentence: 'Something unexpected happened.',
    remedy: 'Look at the failure in the Temporal UI and report it if it lasts.',
  },
} as const satisfies Record<string, Fault>

export type FaultCode = keyof typeof faults

/**
 * The one class of run faults. `detail` is shown to people and kept in Temporal histories: it may hold names of tables,
 * columns, hosts and a driver's code, never credentials and never a value of a row.
 */
export class SluiceError extends Error {
  readonly code: FaultCode
  readonly detail: string | undefined
  override readonly name = 'SluiceError'

  constructor(code: FaultCode, detail?: string, options?: { cause?: unknown }) {
    super(detail === undefined ? faults[code].sentence : `${faults[code].sentence} ${detail}`, options)
    this.code = code
    this.detail = detail
  }

  get fault(): Fault {
    return faults[this.code]
  }
}

/** A fault as people and programs see it: run reports, problems, failures. */
export interface FaultReport {
  code: string
  sentence: string
  remedy: string
}

export function reportFault(error: SluiceError): FaultReport {
  return { code: error.code, sentence: error.message, remedy: error.fault.remedy }
}
