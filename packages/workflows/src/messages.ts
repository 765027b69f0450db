import type { BatchRef, Boundary } from '@sluice/core/batch/batchRef'
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow'
import type { RunPhase } from './runPhase.ts'

/** Messages of `syncRun`. A constant's name is its name on the wire. */
export const pause = defineSignal<[{ reason?: string; by?: string }?]>('pause')
export const resume = defineSignal<[{ by?: string }?]>('resume')
export const progress = defineQuery<RunProgress>('progress')

/** From extract to its own workflow: "I am attempt N of this segment; where do I go on?" */
export const claim = defineUpdate<ClaimAnswer, [ClaimRequest]>('claim')
/** From extract to its own workflow: one staged batch. Held back while the window is full. */
export const offer = defineUpdate<'continue' | 'stop', [OfferRequest]>('offer')

export interface ClaimRequest {
  segment: number
  attempt: number
}

export interface ClaimAnswer {
  nextBatch: number
  /** The last boundary offered by an earlier attempt: go on from it. Absent: from where the segment begins. */
  resumeFrom?: Boundary
  /** Rows that earlier attempts offered in this segment. */
  rowsOffered: number
  stop: boolean
}

export interface OfferRequest extends ClaimRequest {
  /** 0-based, without gaps over the attempts of a segment. */
  batch: number
  ref: BatchRef
  /** Where the watermark may stand once this batch and all before it are applied. */
  boundary?: Boundary
}

export interface Pause {
  reason: string
  by: string
  /** ISO. */
  since: string
}

export interface RunProgress {
  phase: RunPhase
  sync: string
  /** 0-based. */
  segment: number
  /** Batches of the run, over all segments. */
  batchesExtracted: number
  batchesApplied: number
  rowsExtracted: number
  rowsApplied: number
  rowsRejected: number
  watermark?: string
  paused?: Pause
  /** Why it does not go on, if it does not. */
  waitingFor?: string
}
