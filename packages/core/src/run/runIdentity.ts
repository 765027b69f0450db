/** Names one run towards the store. Every write of a run carries it. */
export interface RunIdentity {
  sync: string
  /** Temporal's first execution run id. */
  runId: string
  /** The fencing token that `claimSync` gave. */
  token: number
}
