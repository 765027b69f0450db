const unitsBytes = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 } as const

export const byteSizePattern = /^(\d{1,12})(B|KiB|MiB|GiB|TiB)$/

/** `512KiB`, `16MiB`, `2GiB` to bytes; undefined for anything else. */
export function parseByteSize(text: string): number | undefined {
  const match = byteSizePattern.exec(text)
  if (!match) return undefined
  const bytes = Number(match[1]) * unitsBytes[match[2] as keyof typeof unitsBytes]
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** The shortest text that `parseByteSize` reads back as the same bytes. */
export function formatByteSize(bytes: number): string {
  if (bytes === 0) return '0B'
  const unit = (['TiB', 'GiB', 'MiB', 'KiB'] as const).find((name) => bytes % unitsBytes[name] === 0) ?? 'B'
  return `${bytes / unitsBytes[unit]}${unit}`
}
