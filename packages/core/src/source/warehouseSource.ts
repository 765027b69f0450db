/** The seam between Sluice and every warehouse. Few methods, none optional; differences are data. */
export interface WarehouseSource {
  /** Yields each step as it ends and stops at the first failure. Reports faults, never throws them. */
  check(watermark: string | undefined, signal: AbortSignal): AsyncIterable<CheckStep>
  /**
   * Reaches the source, finds the object and its columns.
   * @throws SluiceError `object_missing`, `column_missing`, `column_type`, `authentication_failed` … (a person must act)
   */
  describe(signal: AbortSignal): Promise<SourceFacts>
  /** How many rows the source holds at exactly this timestamp (§5: ties at the watermark). */
  countAt(updatedAt: string, signal: AbortSignal): Promise<number>
  /**
   * Raw rows (see rows/rawRow.ts) in chunks of whole lines. First the rows outside every watermark (UPDATED_AT NULL or
   * not finite) if asked for, then the others ascending by UPDATED_AT. One query at a time; leaving the iteration or
   * aborting the signal cancels the query at the source. Back-pressure reaches the source.
   */
  read(request: ReadRequest, signal: AbortSignal): AsyncIterable<Uint8Array>
  /** Idempotent. */
  close(): Promise<void>
}

export interface ReadRequest {
  /** Exact text; absent: from the beginning. */
  from?: { updatedAt: string; inclusive: boolean }
  /** Whether to yield the rows whose UPDATED_AT is NULL or not finite as well. */
  withoutTimestamp: boolean
  queryTimeoutMs: number
  /** At most so many rows (preview). */
  rowsMax?: number
}

export interface SourceFacts {
  /** Human words: `table public.accounts_sync`, `view …`, `query`. */
  object: string
  columns: SourceColumn[]
  /** Digits of the fraction of a second that UPDATED_AT can hold: 6 for PostgreSQL, 9 for Snowflake. */
  timestampDigits: number
  /** The source's clock, in the form of UPDATED_AT: rows at or after it are volatile or lie in the future. */
  now: string
}

export interface SourceColumn {
  /** As the source spells it. */
  name: string
  /** What Sluice uses it as; absent: ignored. */
  role?: 'updated_at' | 'id' | 'name' | 'payload' | 'deleted'
  type: string
}

export type CheckStepName = 'reach' | 'authenticate' | 'authorise' | 'object' | 'columns' | 'rows'

export interface CheckStep {
  step: CheckStepName
  ok: boolean
  /** What was found, or the driver's own words. */
  sentence: string
  code?: string
  remedy?: string
}
