import type { BatchRef, Boundary } from '@sluice/core/batch/batchRef'
import type { FaultCode, FaultReport } from '@sluice/core/faults'
import type { RunIdentity } from '@sluice/core/run/runIdentity'
import type { RunWarning } from '@sluice/core/run/runReport'
import { compareTimestamps } from '@sluice/core/watermark/sourceTimestamp'
import type { CommitWatermarkInput, ConnectResult, ExtractInput, RunSettings } from './activities.ts'
import type { ClaimAnswer, ClaimRequest, OfferRequest, Pause, RunProgress } from './messages.ts'
import { type RunEvent, type RunPhase, transitions } from './runPhase.ts'
import type { SyncRunInput } from './syncRunInput.ts'

/** What the workflow hands to itself when it continues as new. JSON-safe. */
export interface CarriedState {
  phase: RunPhase
  startedAt: string
  segment: number
  claimed?: { run: RunIdentity; source: string; settings: RunSettings }
  schema: number
  watermark?: Boundary
  position?: Boundary
  rereads: number
  warnings: RunWarning[]
  paused?: Pause
  batchesExtracted: number
  batchesApplied: number
  rowsExtracted: number
  rowsApplied: number
  rowsRejected: number
}

export interface RunFault {
  code: FaultCode
  report: FaultReport
}

/** How often a run reads lost or damaged staged batches again before it gives up. */
export const rereadsMax = 5
/** Applied batches after which the watermark is committed and the stage freed. */
const batchesPerCommit = 10

/** The run as the workflow knows it. Pure: no Temporal, no clock; the workflow feeds it and does what it says. */
export class RunState {
  readonly input: SyncRunInput
  readonly startedAt: string
  phase: RunPhase
  claimed: { run: RunIdentity; source: string; settings: RunSettings } | undefined
  /** The version that batches are filtered under now. */
  schema: number
  /** As the store has it. */
  watermark: Boundary | undefined
  paused: Pause | undefined
  fault: RunFault | undefined
  cancelled = false
  segment: number
  batchesExtracted: number
  batchesApplied: number
  rowsExtracted: number
  rowsApplied: number
  rowsRejected: number
  readonly warnings: RunWarning[]

  /** How far this run has come: the next segment begins there. Differs from the watermark while it reads what lies before it. */
  #position: Boundary | undefined
  #rereads: number

  // The segment. An attempt of 0 has not claimed its place yet.
  #extracting = false
  #attempt = 0
  #nextBatch = 0
  #rowsOffered = 0
  #offered: Boundary | undefined
  #stop = false
  #damaged = false
  #inFlight = 0
  #lastApplied = -1
  #reached: Boundary | undefined
  #uncommitted = 0
  #free: string[] = []

  constructor(input: SyncRunInput, startedAt: string, carried?: CarriedState) {
    this.input = input
    this.startedAt = carried?.startedAt ?? startedAt
    this.phase = carried?.phase ?? 'connecting'
    this.claimed = carried?.claimed
    this.schema = carried?.schema ?? 0
    this.watermark = carried?.watermark
    this.paused = carried?.paused
    this.segment = carried?.segment ?? 0
    this.batchesExtracted = carried?.batchesExtracted ?? 0
    this.batchesApplied = carried?.batchesApplied ?? 0
    this.rowsExtracted = carried?.rowsExtracted ?? 0
    this.rowsApplied = carried?.rowsApplied ?? 0
    this.rowsRejected = carried?.rowsRejected ?? 0
    this.warnings = carried?.warnings ?? []
    this.#position = carried?.position
    this.#rereads = carried?.rereads ?? 0
  }

  carry(): CarriedState {
    return {
      phase: this.phase,
      startedAt: this.startedAt,
      segment: this.segment,
      ...(this.claimed && { claimed: this.claimed }),
      schema: this.schema,
      ...(this.watermark && { watermark: this.watermark }),
      ...(this.#position && { position: this.#position }),
      rereads: this.#rereads,
      warnings: this.warnings,
      ...(this.paused && { paused: this.paused }),
      batchesExtracted: this.batchesExtracted,
      batchesApplied: this.batchesApplied,
      rowsExtracted: this.rowsExtracted,
      rowsApplied: this.rowsApplied,
      rowsRejected: this.rowsRejected,
    }
  }

  on(event: RunEvent): boolean {
    const next = transitions[this.phase][event]
    if (next === 'ignored') return false
    this.phase = next
    return true
  }

  /** Signals come from people: whatever they hold, they must not harm the run. */
  pause(signal: unknown, since: string): void {
    if (!this.on('pause')) return
    this.paused = { reason: word(signal, 'reason') ?? 'no reason given', by: word(signal, 'by') ?? 'somebody', since }
    this.stop()
  }

  resume(): void {
    if (this.on('resume')) this.paused = undefined
  }

  cancel(): void {
    this.cancelled = true
    this.stop()
  }

  fail(fault: RunFault): void {
    this.fault ??= fault
    this.stop()
  }

  /** Extract learns of it as the answer to its claim or offer, or by cancellation. */
  stop(): void {
    this.#stop = true
  }

  get stopping(): boolean {
    return this.#stop
  }

  connected(answer: Extract<ConnectResult, { claimed: true }>, run: Omit<RunIdentity, 'token'>): void {
    // A person moved the watermark while the run was paused: what they set counts.
    if (this.claimed !== undefined && answer.watermark?.updatedAt !== this.watermark?.updatedAt)
      this.#position = undefined
    this.claimed = { run: { ...run, token: answer.token }, source: answer.source, settings: answer.settings }
    this.schema = answer.schema
    this.watermark = answer.watermark
    this.on('claimed')
  }

  // One segment.

  beginSegment(): ExtractInput {
    const { run, settings } = this.#claim()
    this.#extracting = true
    this.#attempt = 0
    this.#nextBatch = 0
    this.#rowsOffered = 0
    this.#offered = undefined
    this.#stop = false
    this.#damaged = false
    const from = this.#position ?? this.watermark
    return {
      run,
      segment: this.segment,
      ...(from && { from }),
      opening: this.#position === undefined,
      rowsMax: Math.max(0, settings.rowsPerRunMax - this.rowsExtracted),
      batchesMax: settings.batchesPerSegment,
    }
  }

  /** Why a claim or an offer is refused; undefined: it is taken. The request may come from anybody. */
  refusal(request: unknown, kind: 'claim' | 'offer'): string | undefined {
    if (!isClaim(request) || (kind === 'offer' && !isOffer(request))) return 'It is not of the form that extract sends.'
    if (!this.#extracting) return 'No segment is being extracted.'
    if (request.segment !== this.segment)
      return `Segment ${request.segment} is over; segment ${this.segment} is being extracted.`
    if (request.attempt < this.#attempt)
      return `Attempt ${request.attempt} is stale; attempt ${this.#attempt} took over.`
    if (kind === 'claim') return undefined
    const { attempt, batch } = request as OfferRequest
    if (attempt !== this.#attempt) return `Attempt ${attempt} has not claimed its place.`
    if (batch !== this.#nextBatch && !this.#stop)
      return `Batch ${batch} is out of turn; batch ${this.#nextBatch} is next.`
    return undefined
  }

  claim({ attempt }: ClaimRequest): void {
    this.#attempt = attempt
  }

  /** Asked once nothing is in flight, so that what earlier attempts offered is applied and their files are known. */
  place(): ClaimAnswer {
    return {
      nextBatch: this.#nextBatch,
      ...(this.#offered && { resumeFrom: this.#offered }),
      rowsOffered: this.#rowsOffered,
      stop: this.#stop,
    }
  }

  /** False: the run is stopping, and the batch is not taken. */
  take(offer: OfferRequest): boolean {
    if (this.#stop) return false
    this.#nextBatch++
    this.#inFlight++
    this.#rowsOffered += offer.ref.rows
    this.batchesExtracted++
    this.rowsExtracted += offer.ref.rows
    if (offer.boundary) this.#offered = offer.boundary
    return true
  }

  get idle(): boolean {
    return this.#inFlight === 0
  }

  get windowOpen(): boolean {
    return this.#inFlight < this.#claim().settings.window
  }

  /** Whether batches still may be applied: none after one that is damaged or failed, or the order would break. */
  get applying(): boolean {
    return !this.#damaged && this.fault === undefined
  }

  applied(offer: OfferRequest, changes: BatchRef, sums: { rowsRead: number; rowsRejected: number }): void {
    this.#lastApplied = offer.batch
    this.#uncommitted++
    this.#free.push(offer.ref.uri, changes.uri)
    this.batchesApplied++
    this.rowsApplied = sums.rowsRead
    this.rowsRejected = sums.rowsRejected
    if (offer.boundary) this.#reached = offer.boundary
  }

  /** The batch left the window, applied or not. */
  left(): void {
    this.#inFlight--
  }

  /** A staged batch is lost or damaged: the segment ends, and the next one reads its rows again. */
  damaged(fault: RunFault): void {
    if (this.#rereads >= rereadsMax) this.fail(fault)
    this.#rereads++
    this.#damaged = true
    this.stop()
  }

  /**
   * §2: a stop threshold. A share says little of the first few rows: it is looked at before each commit alone, the last one
   * included, a count also after each batch.
   */
  tooManyRejected(when: 'after a batch' | 'before a commit'): boolean {
    const { rejectedRows, rejectedShare } = this.#claim().settings.stopWhen ?? {}
    if (rejectedRows !== undefined && this.rowsRejected > rejectedRows) return true
    if (rejectedShare === undefined || when === 'after a batch' || this.rowsApplied === 0) return false
    return this.rowsRejected / this.rowsApplied > rejectedShare
  }

  get commitDue(): boolean {
    return this.#uncommitted >= batchesPerCommit
  }

  /** At a standstill: what there is to commit. Undefined: no boundary moved, and nothing has to be said. */
  commit(status: 'running' | 'paused', due = this.commitDue): CommitWatermarkInput | undefined {
    const boundary = this.#moved()
    if (boundary === undefined && !due && status === 'running') {
      this.#position = this.#reached ?? this.#position
      return undefined
    }
    return {
      run: this.#claim().run,
      segment: this.segment,
      lastBatch: this.#lastApplied,
      ...(boundary && { boundary }),
      free: this.#free,
      status,
      ...(this.paused && status === 'paused' && { pausedBecause: `${this.paused.reason} (${this.paused.by})` }),
    }
  }

  committed(commit: CommitWatermarkInput, watermark: Boundary | undefined): void {
    this.watermark = watermark
    this.#position = this.#reached ?? this.#position
    this.#uncommitted = 0
    this.#free = this.#free.slice(commit.free.length)
  }

  /** True: the rows of this segment were not all applied, and a next one must read on. */
  endSegment(): boolean {
    this.#extracting = false
    this.segment++
    this.#lastApplied = -1
    this.#reached = undefined
    return this.#damaged
  }

  warn(warnings: RunWarning[]): void {
    for (const warning of warnings) {
      const known = this.warnings.some(({ code, sentence }) => code === warning.code && sentence === warning.sentence)
      if (!known && this.warnings.length < warningsMax) this.warnings.push(warning)
    }
  }

  progress(): RunProgress {
    return {
      phase: this.phase,
      sync: this.input.sync,
      segment: this.segment,
      batchesExtracted: this.batchesExtracted,
      batchesApplied: this.batchesApplied,
      rowsExtracted: this.rowsExtracted,
      rowsApplied: this.rowsApplied,
      rowsRejected: this.rowsRejected,
      ...(this.watermark && { watermark: this.watermark.updatedAt }),
      ...(this.paused && { paused: this.paused }),
      ...(this.waitingFor && { waitingFor: this.waitingFor }),
    }
  }

  /** Why the run does not go on, in words. What an activity waits for stands in the UI's pending activities. */
  get waitingFor(): string | undefined {
    if (this.phase === 'paused') return 'a `resume` signal'
    if (this.phase === 'pausing' || this.phase === 'finishing')
      return this.#inFlight > 0 ? `${this.#inFlight} batches in flight to be applied` : undefined
    if (this.claimed !== undefined && this.#extracting && !this.windowOpen)
      return 'the account store to apply the batches in flight'
    return undefined
  }

  /** The boundary reached, if the watermark would move or its count of ties would change. */
  #moved(): Boundary | undefined {
    const reached = this.#reached
    if (reached === undefined || this.watermark === undefined) return reached
    const order = compareTimestamps(reached.updatedAt, this.watermark.updatedAt)
    if (order > 0 || (order === 0 && reached.rowsAtUpdatedAt !== this.watermark.rowsAtUpdatedAt)) return reached
    return undefined
  }

  #claim(): { run: RunIdentity; source: string; settings: RunSettings } {
    if (this.claimed === undefined) throw new Error('The sync has not been claimed.')
    return this.claimed
  }
}

const warningsMax = 100

function word(signal: unknown, key: 'reason' | 'by'): string | undefined {
  if (typeof signal !== 'object' || signal === null) return undefined
  const value = (signal as Record<string, unknown>)[key]
  // The store and the UI show it on one line.
  return typeof value === 'string' && value.trim() !== '' ? value.trim().replace(/\s+/g, ' ').slice(0, 500) : undefined
}

function isClaim(request: unknown): request is ClaimRequest {
  if (typeof request !== 'object' || request === null) return false
  const { segment, attempt } = request as Partial<ClaimRequest>
  return Number.isSafeInteger(segment) && Number.isSafeInteger(attempt) && attempt! >= 1
}

function isOffer(request: ClaimRequest): request is OfferRequest {
  const { batch, ref, boundary } = request as Partial<OfferRequest>
  return (
    Number.isSafeInteger(batch) &&
    typeof ref === 'object' &&
    ref !== null &&
    typeof ref.uri === 'string' &&
    Number.isSafeInteger(ref.rows) &&
    (boundary === undefined ||
      (typeof boundary?.updatedAt === 'string' && Number.isSafeInteger(boundary.rowsAtUpdatedAt)))
  )
}
