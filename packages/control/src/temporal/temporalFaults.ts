import { SluiceError } from '@sluice/core/faults'
import { isGrpcServiceError, ServiceError } from '@temporalio/client'

// gRPC's own numbers.
const unavailable = new Set([1, 4, 8, 13, 14])
const refused = new Set([5, 7, 16])

/** What the Temporal client throws as one of our faults; anything that is no answer of the server is given back as it is. */
export function temporalFault(error: unknown): unknown {
  if (error instanceof SluiceError) return error
  const cause = error instanceof ServiceError ? error.cause : error
  if (isGrpcServiceError(cause)) {
    if (unavailable.has(cause.code)) return new SluiceError('temporal_unavailable', undefined, { cause: error })
    if (refused.has(cause.code)) return new SluiceError('temporal_refused', `(${cause.details})`, { cause: error })
  }
  // The client's first connection fails with a plain error.
  if (error instanceof Error && /failed to connect before the deadline/i.test(error.message))
    return new SluiceError('temporal_unavailable', undefined, { cause: error })
  return error
}

export async function withTemporalFaults<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw temporalFault(error)
  }
}
