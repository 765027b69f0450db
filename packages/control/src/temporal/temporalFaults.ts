import { SluiceError } from '@sluice/core/faults'
import { isGrpcServiceError, ServiceError } from '@temporalio/client'

// gRPC's own numbers.
const invalidArgument = 3
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

/** What Temporal says of times that it does not take, such as a time zone that its list lacks, as a fault of the sync's `schedule`. */
export function scheduleFault(sync: string, error: unknown): unknown {
  const cause = error instanceof ServiceError ? error.cause : error
  const told =
    cause instanceof TypeError
      ? cause.message // as which the client throws the server's "Invalid schedule spec"
      : isGrpcServiceError(cause) && cause.code === invalidArgument && cause.details
  if (!told) return error
  return new SluiceError(
    'config_invalid',
    `Temporal did not take \`syncs.${sync}.schedule\`: ${told}. What comes before the schedules is applied; applying the mended file does the rest.`,
    { cause: error },
  )
}

export async function withTemporalFaults<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw temporalFault(error)
  }
}
