import { describe, expect, test } from 'vitest'
import type { ConnectResult, RunSettings } from './activities.ts'
import type { OfferRequest } from './messages.ts'
import { runDetails } from './runDetails.ts'
import { type RunEvent, type RunPhase, transitions } from './runPhase.ts'
import { RunState, rereadsMax } from './runState.ts'

const settings: RunSettings = {
  retryForMs: 1,
  queryTimeoutMs: 1,
  rowsPerRunMax: 1000,
  onTypeMismatch: 'drop_field',
  window: 2,
  batchesPerSegment: 5,
}
const at = (second: number, rows = 1) => ({ updatedAt: `2026-01-01 00:00:0${second}.000000`, rowsAtUpdatedAt: rows })
const connection = (watermark?: ReturnType<typeof at>): Extract<ConnectResult, { claimed: true }> => ({
  claimed: true,
  token: 7,
  source: 'warehouse',
  schema: 1,
  settings,
  ...(watermark && { watermark }),
})
const fault = { code: 'stage_corrupt', report: { code: 'stage_corrupt', sentence: 's', remedy: 'r' } } as const

function running(watermark?: ReturnType<typeof at>, overrides: Partial<RunSettings> = {}): RunState {
  const state = new RunState({ sync: 'crm', kind: 'manual' }, '2026-01-01T00:00:00Z')
  const answer = connection(watermark)
  state.connected({ ...answer, settings: { ...settings, ...overrides } }, { sync: 'crm', runId: 'run' })
  state.beginSegment()
  state.claim({ segment: 0, attempt: 1 })
  return state
}
const offer = (batch: number, boundary?: ReturnType<typeof at>, rows = 10): OfferRequest => ({
  segment: 0,
  attempt: 1,
  batch,
  ref: { uri: `raw${batch}`, rows, bytes: 1, sha256: '' },
  ...(boundary && { boundary }),
})
function apply(
  state: RunState,
  batch: OfferRequest,
  sums = { rowsRead: (batch.batch + 1) * 10, rowsRejected: 0 },
): void {
  expect(state.take(batch)).toBe(true)
  state.applied(batch, { ...batch.ref, uri: `changes${batch.batch}` }, sums)
  state.left()
}

describe('§8: phases', () => {
  test('each phase is reached from connecting, and done is left by nothing', () => {
    const seen = new Set<RunPhase>(['connecting'])
    for (const phase of seen)
      for (const next of Object.values(transitions[phase])) if (next !== 'ignored') seen.add(next)
    expect([...seen].sort()).toEqual(Object.keys(transitions).sort())
    expect(new Set(Object.values(transitions.done))).toEqual(new Set(['ignored']))
  })

  test('a pause never starts a run, and a resume never ends one', () => {
    for (const [phase, events] of Object.entries(transitions)) {
      expect(['ignored', 'pausing'], phase).toContain(events.pause)
      expect(['ignored', 'connecting'], phase).toContain(events.resume)
    }
  })

  test.each([
    [['pause', 'claimed', 'stoodStill'], 'paused'],
    [['claimed', 'pause', 'pause', 'stoodStill', 'pause'], 'paused'],
    [['claimed', 'pause', 'resume', 'stoodStill'], 'connecting'],
    [['claimed', 'pause', 'stoodStill', 'resume', 'resume', 'claimed'], 'running'],
    [['resume', 'claimed', 'resume'], 'running'],
    [['claimed', 'pause', 'ended', 'resume', 'finished'], 'done'],
    [['claimed', 'ended', 'pause'], 'finishing'],
  ] as [RunEvent[], RunPhase][])('%j → %s', (events, phase) => {
    const state = new RunState({ sync: 'crm', kind: 'manual' }, '')
    for (const event of events) state.on(event)
    expect(state.phase).toBe(phase)
  })

  test.each([undefined, null, 3, 'text', [], { reason: 1, by: {} }, { reason: ' ', by: '' }])(
    'a pause signal with %j says nothing and pauses',
    (signal) => {
      const state = running()
      state.pause(signal, 'now')
      expect(state.paused).toEqual({ reason: 'no reason given', by: 'somebody', since: 'now' })
      expect(state.stopping).toBe(true)
    },
  )

  test('a reason is kept on one line and cut', () => {
    const state = running()
    state.pause({ reason: `a\n\tb ${'x'.repeat(600)}`, by: 'anna' }, 'now')
    expect(state.paused?.reason).toMatch(/^a b x+$/)
    expect(state.paused?.reason.length).toBe(500)
  })
})

describe('claims and offers', () => {
  test.each([
    ['claim', { segment: 0, attempt: 1 }, undefined],
    ['claim', { segment: 0, attempt: 2 }, undefined],
    ['claim', { segment: 1, attempt: 1 }, /Segment 1/],
    ['claim', { segment: 0, attempt: 0 }, /form/],
    ['claim', undefined, /form/],
    ['offer', offer(0), undefined],
    ['offer', offer(1), /out of turn/],
    ['offer', { ...offer(0), attempt: 2 }, /not claimed/],
    ['offer', { segment: 0, attempt: 1 }, /form/],
    ['offer', { ...offer(0), boundary: 'x' }, /form/],
  ] as const)('%s %j', (kind, request, refusal) => {
    const refused = running().refusal(request, kind)
    if (refusal === undefined) expect(refused).toBeUndefined()
    else expect(refused).toMatch(refusal)
  })

  test('once attempt 2 has its place, attempt 1 is stale; it goes on after what was offered', () => {
    const state = running()
    state.take(offer(0, at(1)))
    state.take(offer(1))
    state.claim({ segment: 0, attempt: 2 })
    expect(state.refusal({ segment: 0, attempt: 1 }, 'claim')).toMatch(/stale/)
    expect(state.refusal(offer(2), 'offer')).toMatch(/stale/)
    expect(state.place()).toEqual({ nextBatch: 2, resumeFrom: at(1), rowsOffered: 20, stop: false })
  })

  test('the window is full at so many batches in flight', () => {
    const state = running()
    state.take(offer(0))
    expect(state.windowOpen).toBe(true)
    state.take(offer(1))
    expect(state.windowOpen).toBe(false)
    state.left()
    expect(state.windowOpen).toBe(true)
  })

  test('after a stop no batch is taken', () => {
    const state = running()
    state.stop()
    expect(state.take(offer(0))).toBe(false)
    expect(state.batchesExtracted).toBe(0)
  })
})

describe('§5: commits', () => {
  test('nothing moved, nothing to commit', () => {
    const state = running(at(3))
    expect(state.commit('running')).toBeUndefined()
    apply(state, offer(0, at(3)))
    expect(state.commit('running')).toBeUndefined()
  })

  test('a boundary moves the watermark once it is applied; so does another number of rows at it', () => {
    const state = running(at(3))
    state.take(offer(0, at(4)))
    expect(state.commit('running')).toBeUndefined()
    state.applied(offer(0, at(4)), { ...offer(0).ref, uri: 'changes' }, { rowsRead: 10, rowsRejected: 0 })
    expect(state.commit('running')).toMatchObject({ lastBatch: 0, boundary: at(4), free: ['raw0', 'changes'] })

    const ties = running(at(3))
    apply(ties, offer(0, at(3, 2)))
    expect(ties.commit('running')).toMatchObject({ boundary: at(3, 2) })
  })

  test('the stage is freed every ten batches, boundary or not', () => {
    const state = running()
    for (let batch = 0; batch < 10; batch++) apply(state, offer(batch))
    expect(state.commitDue).toBe(true)
    const commit = state.commit('running')!
    expect(commit).not.toHaveProperty('boundary')
    expect(commit.free).toHaveLength(20)
    state.committed(commit, undefined)
    expect(state.commitDue).toBe(false)
    expect(state.commit('running')).toBeUndefined()
  })

  test('what lies before the watermark (lookback) does not move it, but the next segment goes on there', () => {
    const state = running(at(9))
    apply(state, offer(0, at(5)))
    expect(state.commit('running')).toBeUndefined()
    state.endSegment()
    expect(state.beginSegment()).toMatchObject({ segment: 1, from: at(5), opening: false })
  })

  test('a pause is written whether anything moved or not', () => {
    const state = running()
    state.pause({ reason: 'why', by: 'anna' }, 'now')
    expect(state.commit('paused')).toMatchObject({
      status: 'paused',
      pausedBecause: 'why (anna)',
      lastBatch: -1,
      free: [],
    })
  })

  test('a watermark that a person moved during a pause counts', () => {
    const state = running(at(1))
    apply(state, offer(0, at(5)))
    state.committed(state.commit('running')!, at(5))
    state.endSegment()
    state.connected(connection(at(5)), { sync: 'crm', runId: 'run' })
    expect(state.beginSegment()).toMatchObject({ from: at(5), opening: false })
    state.endSegment()
    state.connected(connection(at(2)), { sync: 'crm', runId: 'run' })
    expect(state.beginSegment()).toMatchObject({ from: at(2), opening: true })
  })
})

describe('§7: limits and thresholds', () => {
  test('each segment gets the rows that are left of the run', () => {
    const state = running()
    apply(state, offer(0, at(1), 400))
    state.endSegment()
    expect(state.beginSegment().rowsMax).toBe(600)
  })

  test.each([
    [{}, 10, 10, false],
    [{ rejectedRows: 3 }, 10, 3, false],
    [{ rejectedRows: 3 }, 10, 4, true],
    [{ rejectedRows: 0 }, 10, 1, true],
    [{ rejectedShare: 0.2 }, 10, 2, false],
    [{ rejectedShare: 0.2 }, 10, 3, true],
    [{ rejectedRows: 5, rejectedShare: 0.2 }, 10, 3, true],
    [{ rejectedShare: 0 }, 0, 0, false],
  ] as [{ rejectedRows?: number; rejectedShare?: number }, number, number, boolean][])(
    '§2: stop_when %j, %i rows, %i rejected, before a commit: %s',
    (stopWhen, rowsRead, rowsRejected, stop) => {
      const state = running(undefined, { stopWhen })
      apply(state, offer(0), { rowsRead, rowsRejected })
      expect(state.tooManyRejected('before a commit')).toBe(stop)
      // A share of the first few rows would stop a run for the one row without UPDATED_AT that it reads first.
      expect(state.tooManyRejected('after a batch')).toBe(
        stop && stopWhen.rejectedRows !== undefined && rowsRejected > stopWhen.rejectedRows,
      )
    },
  )
})

describe('damaged batches', () => {
  test('end the segment; after so many the run', () => {
    const state = running()
    for (let i = 0; i < rereadsMax; i++) {
      state.damaged(fault)
      expect(state.fault).toBeUndefined()
      expect(state.applying).toBe(false)
      expect(state.endSegment()).toBe(true)
      state.beginSegment()
      expect(state.applying).toBe(true)
    }
    state.damaged(fault)
    expect(state.fault).toBe(fault)
  })
})

describe('continue-as-new', () => {
  test('what is carried survives JSON, and the run goes on from it', () => {
    const state = running(at(1))
    apply(state, offer(0, at(5)))
    state.committed(state.commit('running')!, at(5))
    state.warn([{ code: 'future_updated_at', sentence: 's' }])
    state.warn([{ code: 'future_updated_at', sentence: 's' }])
    state.endSegment()
    const carried = JSON.parse(JSON.stringify(state.carry()))
    const next = new RunState({ sync: 'crm', kind: 'manual' }, 'later', carried)
    expect(next.carry()).toEqual(state.carry())
    expect(next.warnings).toHaveLength(1)
    expect(next.startedAt).toBe('2026-01-01T00:00:00Z')
    expect(next.beginSegment()).toEqual(state.beginSegment())
  })
})

describe('details for the UI', () => {
  test('a paused run says by whom, why and what to do', () => {
    const state = running()
    state.pause({ reason: 'new fields', by: 'anna' }, '2026-01-01T00:00:00Z')
    state.on('stoodStill')
    expect(runDetails(state)).toContain(
      'Paused by anna, 2026-01-01T00:00:00Z: new fields. To go on, send the signal `resume`, or run `sluice sync resume crm`.',
    )
  })

  test('a failed run says what to do', () => {
    const state = running()
    state.fail({ code: 'object_missing', report: { code: 'object_missing', sentence: 'Gone.', remedy: 'Make it.' } })
    expect(runDetails(state)).toMatch(/Gone\. \(`object_missing`\)\n- What to do: Make it\./)
  })

  test('numbers are grouped', () => {
    const state = running()
    apply(state, offer(0, at(1), 50_000), { rowsRead: 1_234_567, rowsRejected: 0 })
    expect(runDetails(state)).toContain('50,000 extracted, 1,234,567 applied')
  })
})
