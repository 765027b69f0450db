import { type FaultCode, SluiceError } from '@sluice/core/faults'

const byCondition: Record<string, FaultCode> = {
  '28000': 'store_refused',
  '28P01': 'store_refused',
  '3D000': 'store_refused',
  '42501': 'store_refused',
  '40001': 'store_conflict',
  '40P01': 'store_conflict',
  '23505': 'store_conflict',
  '55P03': 'store_conflict',
  '25P03': 'store_unavailable',
  '25P04': 'store_unavailable',
  '53300': 'store_unavailable',
  '53100': 'store_unavailable',
  '57P01': 'store_unavailable',
  '57P02': 'store_unavailable',
  '57P03': 'store_unavailable',
}

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
])

/**
 * A PostgreSQL error of the store as one of ours. The driver's `detail` and `where` quote rows, and so does the message of
 * a data exception: none of them is taken over.
 */
export function storeFault(error: unknown): SluiceError {
  if (error instanceof SluiceError) return error
  const code = (error as { code?: unknown } | null)?.code
  if (typeof code === 'string' && networkCodes.has(code))
    return new SluiceError('store_unavailable', `(${code})`, { cause: undefined })
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) {
    const known = byCondition[code] ?? (code.startsWith('08') ? 'store_unavailable' : 'internal')
    // Class 42 speaks of names and syntax, never of a row.
    const words = code.startsWith('42') ? `: ${(error as Error).message}` : ''
    return new SluiceError(known, `(PostgreSQL ${code}${words})`)
  }
  const message = error instanceof Error ? error.message : ''
  if (
    /connection (terminated|ended|timeout)|timeout exceeded when trying to connect|not queryable|server closed/i.test(
      message,
    )
  )
    return new SluiceError('store_unavailable')
  return new SluiceError('internal', undefined, { cause: error })
}

/** Runs `work` and turns what the driver throws into ours. */
export async function withStoreFaults<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw storeFault(error)
  }
}
