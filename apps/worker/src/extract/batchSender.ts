import type { BatchRef, Boundary } from '@sluice/core/batch/batchRef'
import type { RawHeader } from '@sluice/core/batch/stagedObject'
import type { Stage } from '@sluice/stage/stage'
import type { Batch } from './batcher.ts'
import type { WorkflowPlace } from './workflowPlace.ts'

export interface SenderOptions {
  stage: Stage
  /** Of the staged objects of this attempt: `<sync>/<runId>/s<segment>-a<attempt>`. */
  keyPrefix: string
  place: WorkflowPlace
  firstBatch: number
  header: Omit<RawHeader, 'sections' | 'files'>
  /** Rejects when the activity is cancelled. */
  cancelled: Promise<never>
}

/**
 * Stages batches and offers them in order. One offer at most is on its way: while it waits for its answer, the next batch is
 * read and staged.
 */
export class BatchSender {
  readonly #options: SenderOptions
  #objects = 0
  #batch: number
  #rows = 0
  #answer: Promise<'continue' | 'stop'> = Promise.resolve('continue')

  constructor(options: SenderOptions) {
    this.#options = options
    this.#batch = options.firstBatch
  }

  /** Batches of the segment, those of earlier attempts included. */
  get batches(): number {
    return this.#batch
  }

  /** Rows of this attempt. */
  get rows(): number {
    return this.#rows
  }

  async stage(batch: Batch, files?: RawHeader['files']): Promise<BatchRef> {
    const { stage, keyPrefix, header } = this.#options
    const key = `${keyPrefix}-${this.#objects++}.raw`
    const staged = await stage.write(
      key,
      { ...header, sections: { rows: batch.bytes }, ...(files && { files }) },
      batch.pieces,
    )
    const { rows, firstUpdatedAt, lastUpdatedAt } = batch
    return { ...staged, rows, ...(firstUpdatedAt && { firstUpdatedAt }), ...(lastUpdatedAt && { lastUpdatedAt }) }
  }

  /** Answers for the offer before it: `stop` means that this one is not sent. */
  async offer(ref: BatchRef, boundary?: Boundary): Promise<'continue' | 'stop'> {
    if ((await this.settle()) === 'stop') return 'stop'
    const answer = this.#options.place.offer({ batch: this.#batch++, ref, ...(boundary && { boundary }) })
    this.#rows += ref.rows
    this.#answer = Promise.race([answer, this.#options.cancelled])
    // It is awaited later; until then a failure is nobody's.
    this.#answer.catch(() => {})
    return 'continue'
  }

  /** Waits for the answer to the offer on its way. */
  settle(): Promise<'continue' | 'stop'> {
    return this.#answer
  }
}
