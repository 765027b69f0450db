import { SluiceError } from '@sluice/core/faults'
import type { ClaimAnswer, OfferRequest } from '@sluice/workflows/messages'
import {
  type Client,
  isGrpcServiceError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client'

/** The place of one extract attempt in its own workflow: it claims it, then offers one batch after the other. */
export interface WorkflowPlace {
  /** Answers once everything that earlier attempts offered is applied. */
  claim(): Promise<ClaimAnswer>
  /** Answers once the window has room. */
  offer(offer: Pick<OfferRequest, 'batch' | 'ref' | 'boundary'>): Promise<'continue' | 'stop'>
}

export interface PlaceRequest {
  client: Client
  workflowId: string
  /** Of this very execution: without it, offers of a stale attempt would reach the run after continue-as-new. */
  runId: string
  activityId: string
  segment: number
  attempt: number
}

export function workflowPlace({
  client,
  workflowId,
  runId,
  activityId,
  segment,
  attempt,
}: PlaceRequest): WorkflowPlace {
  const handle = client.workflow.getHandle(workflowId, runId)
  const update = async <T>(name: string, step: string, request: object): Promise<T> => {
    try {
      // An update that is sent again under the same id gets the answer that it had: the id names activity, attempt and batch.
      return await handle.executeUpdate<T, [object]>(name, {
        updateId: `${activityId}-a${attempt}-${step}`,
        args: [{ segment, attempt, ...request }],
      })
    } catch (error) {
      throw placeFault(error)
    }
  }
  return {
    claim: () => update('claim', 'claim', {}),
    offer: (offer) => update('offer', `b${offer.batch}`, offer),
  }
}

function placeFault(error: unknown): unknown {
  // A stale attempt: Temporal has started another one, or closed the workflow, and will not look at what becomes of this.
  if (error instanceof WorkflowUpdateFailedError)
    return new SluiceError('internal', `The workflow refused it: ${error.cause?.message}`)
  if (error instanceof WorkflowNotFoundError) return new SluiceError('internal', 'Its workflow is closed.')
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || isGrpcServiceError(error))
    return new SluiceError('temporal_unavailable')
  return error
}
