import { isDigit, twoDigits } from '../fields/asciiDigits.ts'
import { dayNumber, dayText, firstDay, isDate, secondsPerDay, timeText } from '../fields/calendar.ts'

/**
 * §5. UPDATED_AT as text at the source's full precision, in UTC: `YYYY-MM-DD HH:MM:SS[.fraction]`. It never goes through a
 * Date. Texts padded to the same number of digits sort as the times they stand for.
 */

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/**
 * The text with a blank between date and time, without its offset, the fraction padded to `digits`; a longer fraction is
 * kept. Undefined when it is not a finite timestamp in UTC of years 1 to 9999: `infinity`, `… BC`, year 10000, February 30.
 */
export function canonicalTimestamp(text: string, digits: number): string | undefined {
  const from = encoder.encode(text)
  const to = new Uint8Array(from.length + digits + 1)
  const length = writeCanonicalTimestamp(from, 0, from.length, digits, to, 0)
  return length === 0 ? undefined : decoder.decode(to.subarray(0, length))
}

/**
 * `canonicalTimestamp` on bytes: `from[start, end)` is written to `to` at `at`, which must have room for it, `digits` and
 * one more. Returns the number of bytes written, 0 where `canonicalTimestamp` is undefined.
 */
export function writeCanonicalTimestamp(
  from: Uint8Array,
  start: number,
  end: number,
  digits: number,
  to: Uint8Array,
  at: number,
): number {
  if (end - start < 19) return 0
  const year = twoDigits(from, start) * 100 + twoDigits(from, start + 2)
  const hour = twoDigits(from, start + 11)
  const minute = twoDigits(from, start + 14)
  const second = twoDigits(from, start + 17)
  if (!isDate(year, twoDigits(from, start + 5), twoDigits(from, start + 8))) return 0
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return 0
  const between = from[start + 10]
  if (from[start + 4] !== 0x2d || from[start + 7] !== 0x2d || (between !== 0x20 && between !== 0x54)) return 0
  if (from[start + 13] !== 0x3a || from[start + 16] !== 0x3a) return 0

  let fractionEnd = start + 19
  if (fractionEnd < end && from[fractionEnd] === 0x2e) {
    do fractionEnd++
    while (fractionEnd < end && isDigit(from[fractionEnd]!))
    if (fractionEnd === start + 20) return 0
  }
  if (fractionEnd !== end && !isUtcOffset(from, fractionEnd, end)) return 0

  let out = at
  for (let i = start; i < fractionEnd; i++) to[out++] = from[i]!
  to[at + 10] = 0x20
  if (fractionEnd === start + 19 && digits > 0) to[out++] = 0x2e
  while (out < at + 20 + digits && digits > 0) to[out++] = 0x30
  return out - at
}

/** Negative, zero or positive, as `sort` wants it. Both are canonical; fractions may be of different lengths. */
export function compareTimestamps(a: string, b: string): number {
  const length = Math.max(a.length, b.length)
  const left = padFraction(a, length)
  const right = padFraction(b, length)
  return left < right ? -1 : left > right ? 1 : 0
}

/** A whole number of milliseconds earlier, digits below them kept. Never before year 1. */
export function subtractMs(text: string, ms: number): string {
  const days = dayNumber(Number(text.slice(0, 4)), Number(text.slice(5, 7)), Number(text.slice(8, 10)))
  const second = Number(text.slice(11, 13)) * 3600 + Number(text.slice(14, 16)) * 60 + Number(text.slice(17, 19))
  const fraction = text.slice(20)
  // Below 2^53 for all years up to 9999.
  const at = (days * secondsPerDay + second) * 1000 + Number(fraction.slice(0, 3).padEnd(3, '0')) - ms
  if (at < firstDay * secondsPerDay * 1000) {
    return fraction === '' ? '0001-01-01 00:00:00' : `0001-01-01 00:00:00.${'0'.repeat(fraction.length)}`
  }
  const atSecond = Math.floor(at / 1000)
  const day = Math.floor(atSecond / secondsPerDay)
  const atMs = String(at - atSecond * 1000).padStart(3, '0')
  // A source of coarser precision gets digits only where the lookback has any.
  const shown = atMs.slice(0, Math.max(fraction.length, atMs.replace(/0+$/, '').length)) + fraction.slice(3)
  return `${dayText(day)} ${timeText(atSecond - day * secondsPerDay)}${shown === '' ? '' : `.${shown}`}`
}

function padFraction(text: string, length: number): string {
  if (text.length === length) return text
  return (text.length === 19 ? `${text}.` : text).padEnd(length, '0')
}

/** `Z`, `+00`, `+00:00` or `+0000`. */
function isUtcOffset(bytes: Uint8Array, start: number, end: number): boolean {
  if (bytes[start] === 0x5a) return end === start + 1
  if (bytes[start] !== 0x2b) return false
  const length = end - start
  if (length !== 3 && length !== 5 && length !== 6) return false
  for (let i = start + 1; i < end; i++) {
    if (length === 6 && i === start + 3 ? bytes[i] !== 0x3a : bytes[i] !== 0x30) return false
  }
  return true
}
