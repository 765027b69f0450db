import type { Tally } from '../run/runReport.ts'
import type { AccountSchema, OnTypeMismatch } from '../schema/accountSchema.ts'

/** How one batch of raw rows is to be filtered. */
export interface FilterOptions {
  schema: AccountSchema
  onTypeMismatch: OnTypeMismatch
  /** `timestamp`: warehouse rows. `file`: rows without UPDATED_AT; their order is the order of the file. */
  order: 'timestamp' | 'file'
  /** Fractions are padded to so many digits, so that the texts of one source sort as they are. */
  timestampDigits: number
  /**
   * The source's clock when it was asked: rows at or after it may be of a volatile view, so their UPDATED_AT does not
   * tell one quarantined row from another.
   */
  volatileFrom?: string
  /** Cryptographic hash of the bytes, cut to 32 hex digits. Passed in because core has no Node. */
  hash: (bytes: Uint8Array) => string
}

export interface FilteredBatch {
  /** COPY text lines, see `plainColumns`: the rows that do nothing but set fields, of ids that come once. */
  plain: Uint8Array
  /** COPY text lines, see `changeColumns`: all other rows that were not rejected. */
  changes: Uint8Array
  /** COPY text lines, see `rejectedColumns`. */
  rejected: Uint8Array
  report: BatchReport
}

/** What the filter found, to be summed into the run by `apply`. */
export interface BatchReport {
  rowsRead: number
  rowsChanges: number
  /** Without the conditional ones. */
  rowsRejected: number
  /** The largest `step`; 1 = no id came twice. */
  stepsMax: number
  /** By code. */
  rejected: Tally
  /** By field path: `x_note`, `retention.x`. At most `tallyNamesMax` names; the rest under `…`. */
  droppedFields: Tally
  typeMismatches: Tally
  unstorableValues: Tally
}

export const tallyNamesMax = 1000

/**
 * Most changes set fields and do nothing else. They come with the columns that the account itself has, so that they can be
 * copied into it as they are.
 *
 * - id, name
 * - updated_at: exact text, padded, no offset; NULL for files
 * - hash: 32 hex digits over everything of the change but updated_at, step and ordinal
 * - set: JSON object of the fields to set (arrays, scalars, objects replaced whole)
 */
export const plainColumns = ['id', 'name', 'updated_at', 'hash', 'set'] as const

/**
 * As above, with name and set NULL for a delete, and:
 *
 * - step: 1 for the first row of an id in this batch in order of effect, 2 for the next …
 * - kind: `u` upsert, `d` delete
 * - remove: text[] literal of the top-level fields that are null; NULL if none
 * - deep: JSON object of the patches for `merge: deep` fields (RFC 7396, nulls kept); NULL if none
 * - lacks_required: `t` if a required field is absent: the row may update an account but not create one
 * - ordinal: 0-based number of the row in the raw batch
 */
export const changeColumns = [...plainColumns, 'step', 'kind', 'remove', 'deep', 'lacks_required', 'ordinal'] as const

/**
 * - ordinal: as above
 * - row_key: 32 hex digits that name "the same row rejected for the same reason": over code, id, name, payload, deleted
 *   and, unless the row may be volatile, updated_at
 * - id, updated_at, name, payload (cut to 1 MiB), deleted: as they came, NUL written as the six characters `\u0000`
 * - code, sentence
 * - conditional: `t` for a row that is also among the changes and counts as rejected only if `apply` rejects it
 *   (missing_required for an account that does not exist)
 */
export const rejectedColumns = [
  'ordinal',
  'row_key',
  'id',
  'updated_at',
  'name',
  'payload',
  'deleted',
  'code',
  'sentence',
  'conditional',
] as const
