/**
 * Finds the first change of an id among the lines of changes by the bytes of the id, without a string for each. An open
 * hash table of change numbers; its hash has a seed of its own, so that nobody can choose ids that collide.
 */
export class IdIndex {
  private readonly seed = Math.floor(Math.random() * 0x1_0000_0000)
  /** Change number + 1; 0 is free. */
  private slots = new Int32Array(1 << 8)
  private hashes = new Int32Array(1 << 8)
  private size = 0

  /**
   * The number of the first change whose id is `lines[start, end)`, or `change`, which is kept as the first if there was
   * none. `idAt`: where the id of each change begins in `lines`; a tab ends it.
   */
  firstOrAdd(change: number, idAt: readonly number[], lines: Uint8Array, start: number, end: number): number {
    let hash = this.seed
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ lines[i]!, 0x0100_0193)
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b_3c6d)
    hash ^= hash >>> 13
    const mask = this.slots.length - 1
    let at = hash & mask
    for (; this.slots[at] !== 0; at = (at + 1) & mask) {
      if (this.hashes[at] !== hash) continue
      const first = this.slots[at]! - 1
      if (isSame(lines, idAt[first]!, start, end)) return first
    }
    this.slots[at] = change + 1
    this.hashes[at] = hash
    if (++this.size * 2 > this.slots.length) this.grow()
    return change
  }

  private grow(): void {
    const { slots, hashes } = this
    const mask = slots.length * 2 - 1
    this.slots = new Int32Array(mask + 1)
    this.hashes = new Int32Array(mask + 1)
    for (let i = 0; i < slots.length; i++) {
      if (slots[i] === 0) continue
      let at = hashes[i]! & mask
      while (this.slots[at] !== 0) at = (at + 1) & mask
      this.slots[at] = slots[i]!
      this.hashes[at] = hashes[i]!
    }
  }
}

/** Whether the id at `other` is `lines[start, end)`. */
function isSame(lines: Uint8Array, other: number, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    if (lines[i] !== lines[other + i - start]) return false
  }
  return lines[other + end - start] === 0x09
}
