import type { RawHeader } from '@sluice/core/batch/stagedObject'
import type { Stage } from '@sluice/stage/stage'
import type { ExtractInput } from '@sluice/workflows/activities'
import type { ClaimAnswer, OfferRequest } from '@sluice/workflows/messages'
import { BatchSender } from './batchSender.ts'

/** A stage in memory and a place in a workflow that takes every batch, for tests of the extract loops. */
export interface ExtractUnderTest {
  stage: Stage
  sender: BatchSender
  offers: Pick<OfferRequest, 'batch' | 'ref' | 'boundary'>[]
  /** Ids of the rows of each batch offered. */
  rows(): string[]
  headers(): RawHeader[]
  /** Everything staged and not removed. */
  staged: Map<string, { header: RawHeader; text: string }>
  claim: ClaimAnswer
  input: ExtractInput
}

export function extractUnderTest(
  options: { input?: Partial<ExtractInput>; claim?: Partial<ClaimAnswer>; stopAt?: number } = {},
): ExtractUnderTest {
  const staged: ExtractUnderTest['staged'] = new Map()
  const offers: ExtractUnderTest['offers'] = []
  const stage: Stage = {
    async write(key, header, pieces) {
      const text = Buffer.concat(pieces).toString()
      staged.set(key, { header: structuredClone(header) as RawHeader, text })
      return { uri: key, bytes: text.length, sha256: '' }
    },
    async remove(uris) {
      for (const uri of uris) staged.delete(uri)
    },
    read: () => Promise.reject(new Error('unread')),
    removeRun: async () => {},
    removeOtherRuns: async () => {},
    check: async () => ({}),
  }
  const claim: ClaimAnswer = { nextBatch: 0, rowsOffered: 0, stop: false, ...options.claim }
  const sender = new BatchSender({
    stage,
    keyPrefix: 'crm/run/s0-a1',
    place: {
      claim: async () => claim,
      async offer(offer) {
        if (offer.batch === options.stopAt) return 'stop'
        offers.push(offer)
        return 'continue'
      },
    },
    firstBatch: claim.nextBatch,
    header: { kind: 'raw', order: 'timestamp', timestampDigits: 6 },
    cancelled: new Promise(() => {}),
  })
  return {
    stage,
    sender,
    offers,
    staged,
    claim,
    input: {
      run: { sync: 'crm', runId: 'run', token: 1 },
      segment: 0,
      opening: true,
      rowsMax: 1e9,
      batchesMax: 100,
      ...options.input,
    },
    rows: () =>
      offers.map(({ ref }) =>
        staged
          .get(ref.uri)!
          .text.split('\n')
          .slice(0, -1)
          .map((line) => line.split('\t')[1])
          .join(' '),
      ),
    headers: () => offers.map(({ ref }) => staged.get(ref.uri)!.header),
  }
}
