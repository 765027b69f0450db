/**
 * What activities hand each other instead of rows (design §1). Small whatever the rows hold: no id, name, payload or
 * file name of a customer is in it.
 */
export interface BatchRef {
  uri: string
  /** Source rows in the batch. */
  rows: number
  /** Size of the staged object. */
  bytes: number
  /** Hex, of the staged object. */
  sha256: string
  /** Exact source text; absent for files and for rows outside every watermark. */
  firstUpdatedAt?: string
  lastUpdatedAt?: string
}

/**
 * A timestamp all of whose rows have been offered in this batch or an earlier one, with the number of rows the source
 * held at exactly that timestamp (§5).
 */
export interface Boundary {
  updatedAt: string
  rowsAtUpdatedAt: number
}
