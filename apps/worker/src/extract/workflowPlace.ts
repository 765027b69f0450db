import type { ClaimAnswer, OfferRequest } from '@sluice/workflows/messages'
import type { Client } from '@temporalio/client'

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
  // An update that is sent again under the same id gets the answer that it had: the id names activity, attempt and batch.
  const id = `${activityId}-a${attempt}`
  return {
    claim: () => handle.executeUpdate('claim', { updateId: `${id}-claim`, args: [{ segment, attempt }] }),
    offer: (offer) =>
      handle.executeUpdate('offer', { updateId: `${id}-b${offer.batch}`, args: [{ segment, attempt, ...offer }] }),
  }
}
