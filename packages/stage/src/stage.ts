import type { BatchRef } from '@sluice/core/batch/batchRef'
import type { StagedHeader } from '@sluice/core/batch/stagedObject'

/** What is known of a staged object once it is written; a BatchRef without what it says about rows. */
export type StagedRef = Pick<BatchRef, 'uri' | 'bytes' | 'sha256'>

export interface StagedObject {
  header: StagedHeader
  /** In the order of `header.sections`. */
  sections: Uint8Array[]
}

/**
 * Where batches lie between two activities. An object is written once and never changed. Every worker that shares a task
 * queue must see the same stage.
 */
export interface Stage {
  /**
   * Keys are `<sync>/<runId>/<name>`. `pieces` lie end to end in the object; together they are as long as the sections of
   * the header. A key that is written again must get the same bytes.
   * @throws SluiceError `stage_full`, `stage_forbidden` (a person must act), `stage_unavailable`
   */
  write(key: string, header: StagedHeader, pieces: readonly Uint8Array[]): Promise<StagedRef>
  /** @throws SluiceError `stage_corrupt` if it is gone, or not what was written; `stage_forbidden`, `stage_unavailable` */
  read(ref: StagedRef): Promise<StagedObject>
  /** Idempotent: what is gone already is no error. */
  remove(uris: readonly string[]): Promise<void>
  /** Everything that a run staged. Idempotent. */
  removeRun(sync: string, runId: string): Promise<void>
  /**
   * What other runs of the sync left: those that never came to their end, and workers that woke up after it. Idempotent.
   */
  removeOtherRuns(sync: string, runId: string): Promise<void>
  /**
   * Writes, reads and removes a probe. The free room, if the backend can tell.
   * @throws SluiceError as `write` and `read` do
   */
  check(): Promise<{ bytesFree?: number }>
}
