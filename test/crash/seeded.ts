/** Random choices that a seed repeats. */
export interface Random {
  /** From 0 to below `bound`. */
  below(bound: number): number
  chance(probability: number): boolean
  oneOf<T>(choices: readonly T[]): T
}

/** Mulberry32. */
export function seeded(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    below: (bound) => Math.floor(next() * bound),
    chance: (probability) => next() < probability,
    oneOf: (choices) => choices[Math.floor(next() * choices.length)]!,
  }
}
