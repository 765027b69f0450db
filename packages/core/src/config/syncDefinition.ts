import type { OnTypeMismatch } from '../schema/accountSchema.ts'
import type { FileFormat } from '../source/fileSource.ts'

/** A sync as it is deployed: parsed, defaults filled in, durations in milliseconds, sizes in bytes. JSON-safe. */
export interface SyncDefinition {
  connection: string
  source: { table: string } | { query: string } | { prefix: string; format: FileFormat }
  schedule?: { everyMs: number } | { cron: string; timeZone: string }
  lookbackMs: number
  onTypeMismatch: OnTypeMismatch
  /** Files only: what to do with a key that comes again with another content. */
  overwrites: 'report' | 'reprocess'
  stopWhen?: { rejectedRows?: number; rejectedShare?: number }
  batch: { rows: number; bytes: number }
  limits: { rowsPerRun: number; queryTimeoutMs: number; retryForMs: number }
  notify?: { webhook: SecretRef; on: string[] }[]
}

/** Where a secret is found; never the secret itself. `file` is absolute once deployed. */
export type SecretRef = { env: string } | { file: string }

/** A connection as it is deployed: `type` and the options that the connector's own schema checked. No secret is in it. */
export interface ConnectionDefinition {
  type: string
  [option: string]: unknown
}
