import { IdIndex } from './idIndex.ts'

/** Where a change stands in the lines of changes: its id, the `1` of its step, its timestamp. */
export interface ChangePlace {
  idAt: number
  stepAt: number
  updatedAt: number
}

/** §4. Which of several rows of one id takes effect first. */
export class ChangeSteps {
  /** 1 = no id came twice. */
  stepsMax = 0

  private readonly order: 'timestamp' | 'file'
  private readonly ids = new IdIndex()
  /** By the number of a first change: the numbers of all changes of its id. */
  private readonly repeated = new Map<number, number[]>()
  private readonly idAt: number[] = []
  private readonly stepAt: number[] = []
  private readonly updatedAt: number[] = []

  constructor(order: 'timestamp' | 'file') {
    this.order = order
  }

  /** The next change in the order of the source. */
  add(lines: Uint8Array, place: ChangePlace): void {
    const change = this.idAt.length
    this.idAt.push(place.idAt)
    this.stepAt.push(place.stepAt)
    this.updatedAt.push(place.updatedAt)
    // A tab stands between id and step.
    const first = this.ids.firstOrAdd(change, this.idAt, lines, place.idAt, place.stepAt - 1)
    if (first === change) {
      if (this.stepsMax === 0) this.stepsMax = 1
      return
    }
    const changes = this.repeated.get(first)
    if (changes === undefined) this.repeated.set(first, [first, change])
    else changes.push(change)
  }

  /** The lines, each with `1` as its step, with the steps that the rows have. */
  number(lines: Uint8Array): Uint8Array {
    const steps: { at: number; step: number }[] = []
    for (const changes of this.repeated.values()) {
      if (this.order === 'timestamp') changes.sort((a, b) => this.compare(lines, a, b))
      changes.forEach((change, i) => {
        if (i > 0) steps.push({ at: this.stepAt[change]!, step: i + 1 })
      })
      this.stepsMax = Math.max(this.stepsMax, changes.length)
    }
    if (steps.length === 0) return lines
    steps.sort((a, b) => a.at - b.at)

    const numbered = new Uint8Array(steps.reduce((length, { step }) => length + String(step).length - 1, lines.length))
    let from = 0
    let to = 0
    for (const { at, step } of steps) {
      numbered.set(lines.subarray(from, at), to)
      to += at - from
      for (const digit of String(step)) numbered[to++] = digit.charCodeAt(0)
      from = at + 1
    }
    numbered.set(lines.subarray(from), to)
    return numbered
  }

  /** By UPDATED_AT; at one UPDATED_AT a delete wins, and otherwise the order of the source counts. */
  private compare(lines: Uint8Array, a: number, b: number): number {
    let left = this.updatedAt[a]!
    let right = this.updatedAt[b]!
    for (; lines[left] === lines[right]; left++, right++) {
      if (lines[left] === 0x09) return this.kind(lines, b) - this.kind(lines, a) || a - b
    }
    // A tab is less than any digit, as the end of a text is.
    return lines[left]! - lines[right]!
  }

  /** `u` or `d`, the larger first. It stands behind the step and a tab. */
  private kind(lines: Uint8Array, change: number): number {
    return lines[this.stepAt[change]! + 2]!
  }
}
