import { ByteWriter } from '../rows/byteWriter.ts'
import { IdIndex } from './idIndex.ts'

/** Where one change stands in the lines. */
export interface ChangePlace {
  lineAt: number
  /** Where the tab behind the id stands. */
  idEnd: number
  updatedAt: number
  /** Where the `1` of its step stands; -1 for a plain line, which has none. */
  stepAt: number
  ordinal: number
  isDelete: boolean
}

/** The changes of a batch as they are written, and which of several rows of one id takes effect first (§4). */
export class ChangeLines {
  /** The caller writes each line here, and then says where by `add`. */
  readonly lines: ByteWriter

  private readonly order: 'timestamp' | 'file'
  private readonly ids = new IdIndex()
  /** By the number of a first change: the numbers of all changes of its id. */
  private readonly repeated = new Map<number, number[]>()
  private readonly lineAt: number[] = []
  private readonly updatedAt: number[] = []
  private readonly stepAt: number[] = []
  private readonly ordinal: number[] = []
  private readonly isDelete: boolean[] = []
  private allPlain = true

  constructor(order: 'timestamp' | 'file', capacity: number) {
    this.order = order
    this.lines = new ByteWriter(capacity)
  }

  get count(): number {
    return this.lineAt.length
  }

  /** The next change in the order of the source. */
  add(place: ChangePlace): void {
    const change = this.lineAt.length
    this.lineAt.push(place.lineAt)
    this.updatedAt.push(place.updatedAt)
    this.stepAt.push(place.stepAt)
    this.ordinal.push(place.ordinal)
    this.isDelete.push(place.isDelete)
    if (place.stepAt !== -1) this.allPlain = false
    const first = this.ids.firstOrAdd(change, this.lineAt, this.lines.bytes, place.lineAt, place.idEnd)
    if (first === change) return
    const changes = this.repeated.get(first)
    if (changes === undefined) this.repeated.set(first, [first, change])
    else changes.push(change)
  }

  /** The plain lines of ids that come once, and all others with all columns and their steps. */
  divide(): { plain: Uint8Array; changes: Uint8Array; stepsMax: number } {
    const lines = this.lines.written
    const { steps, stepsMax } = this.number()
    if (this.allPlain && steps.size === 0) return { plain: lines, changes: lines.subarray(0, 0), stepsMax }

    const plain = new ByteWriter(lines.length)
    const changes = new ByteWriter(lines.length / 4)
    // Neighbours go together.
    let from = 0
    for (let change = 0; change < this.count; change++) {
      const step = steps.get(change)
      const stepAt = this.stepAt[change]!
      if (step === undefined && stepAt === -1) continue
      const start = this.lineAt[change]!
      const end = this.lineAt[change + 1] ?? lines.length
      plain.slice(lines, from, start)
      from = end
      if (stepAt === -1) {
        changes.slice(lines, start, end - 1)
        changes.text(`\t${step}\tu\t\\N\t\\N\tf\t${this.ordinal[change]}\n`)
      } else {
        changes.slice(lines, start, stepAt)
        changes.text(String(step ?? 1))
        changes.slice(lines, stepAt + 1, end)
      }
    }
    plain.slice(lines, from, lines.length)
    return { plain: plain.written, changes: changes.written, stepsMax }
  }

  /** The steps of the changes whose id comes more than once. */
  private number(): { steps: Map<number, number>; stepsMax: number } {
    const steps = new Map<number, number>()
    let stepsMax = this.count === 0 ? 0 : 1
    for (const changes of this.repeated.values()) {
      if (this.order === 'timestamp') changes.sort((a, b) => this.compare(a, b))
      changes.forEach((change, i) => {
        steps.set(change, i + 1)
      })
      stepsMax = Math.max(stepsMax, changes.length)
    }
    return { steps, stepsMax }
  }

  /** By UPDATED_AT; at one UPDATED_AT a delete wins, and otherwise the order of the source counts. */
  private compare(a: number, b: number): number {
    const { bytes } = this.lines
    let left = this.updatedAt[a]!
    let right = this.updatedAt[b]!
    for (; bytes[left] === bytes[right]; left++, right++) {
      if (bytes[left] === 0x09) return Number(this.isDelete[a]) - Number(this.isDelete[b]) || a - b
    }
    // A tab is less than any digit, as the end of a text is.
    return bytes[left]! - bytes[right]!
  }
}
