const unitsMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

export const durationPattern = /^(\d{1,12})(ms|s|m|h|d)$/

/** `90s`, `10m`, `1h`, `2d` to milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const match = durationPattern.exec(text)
  if (!match) return undefined
  const ms = Number(match[1]) * unitsMs[match[2] as keyof typeof unitsMs]
  return Number.isSafeInteger(ms) ? ms : undefined
}

/** The shortest text that `parseDuration` reads back as the same milliseconds: `1h`, `90m`, `0s`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s'
  const unit = (['d', 'h', 'm', 's'] as const).find((name) => ms % unitsMs[name] === 0) ?? 'ms'
  return `${ms / unitsMs[unit]}${unit}`
}
