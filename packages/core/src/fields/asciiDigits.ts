export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

/** The number that two digits at `at` make; NaN, for which no comparison holds, if either is none. */
export function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = bytes[at]!
  const ones = bytes[at + 1]!
  return isDigit(tens) && isDigit(ones) ? (tens - 0x30) * 10 + ones - 0x30 : Number.NaN
}
