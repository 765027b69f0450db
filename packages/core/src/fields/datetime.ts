import { isDigit, twoDigits } from './asciiDigits.ts'
import { trimBlanks } from './blanks.ts'
import { dayNumber, dayText, firstDay, isDate, lastDay, secondsPerDay, timeText } from './calendar.ts'

const iso =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:Z|([+-])(?:(\d{1,2}):(\d\d)|(\d\d)(\d\d)))?)?$/
const unixSeconds = /^(-?)(0|[1-9]\d{0,11})(?:\.(\d{1,9}))?$/
/** Longer than any text that either of them takes. */
const lengthMax = 48

/** §3. `YYYY-MM-DDTHH:MM:SS[.fraction]Z`, the fraction as given; undefined for what is no datetime. */
export function datetimeFromText(text: string): string | undefined {
  const match = text.length > lengthMax ? null : iso.exec(text)
  if (match === null) return datetimeFromNumber(trimBlanks(text))
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction, sign, hours, minutes] = match
  const offsetHours = Number(hours ?? match[11] ?? 0)
  const offsetMinutes = Number(minutes ?? match[12] ?? 0)
  if (!isDate(Number(year), Number(month), Number(day))) return undefined
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined
  if (offsetHours > 23 || offsetMinutes > 59) return undefined

  const offset = (offsetHours * 60 + offsetMinutes) * (sign === '-' ? -60 : 60)
  const at =
    dayNumber(Number(year), Number(month), Number(day)) * secondsPerDay +
    Number(hour) * 3600 +
    Number(minute) * 60 +
    Number(second) -
    offset
  // A leap second ends a day in UTC: it is taken as the next second, which is midnight there.
  if (second === '60' && at % secondsPerDay !== 0) return undefined
  return datetimeText(at, fraction)
}

/** §3. `number` is the text of a number: Unix seconds, without exponent. */
export function datetimeFromNumber(number: string): string | undefined {
  const match = number.length > lengthMax ? null : unixSeconds.exec(number)
  if (match === null) return undefined
  const [, sign, seconds, fraction] = match
  if (sign !== '-') return datetimeText(Number(seconds), fraction)
  if (fraction === undefined || Number(fraction) === 0) return datetimeText(-Number(seconds), fraction)
  // Before 1970 a fraction counts back from its second.
  const forward = String(10 ** fraction.length - Number(fraction)).padStart(fraction.length, '0')
  return datetimeText(-Number(seconds) - 1, forward)
}

function datetimeText(unixSecond: number, fraction: string | undefined): string | undefined {
  const day = Math.floor(unixSecond / secondsPerDay)
  if (day < firstDay || day > lastDay) return undefined
  const time = timeText(unixSecond - day * secondsPerDay)
  return `${dayText(day)}T${time}${fraction === undefined ? '' : `.${fraction}`}Z`
}

/** Whether `bytes[start, end)` is a datetime in the form in which it is stored: most of them are, and need no work. */
export function isStoredDatetime(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 20 || end - start > 30 || !isStoredDate(bytes, start, start + 10)) return false
  if (bytes[start + 10] !== 0x54 || bytes[start + 13] !== 0x3a || bytes[start + 16] !== 0x3a) return false
  if (!(twoDigits(bytes, start + 11) <= 23 && twoDigits(bytes, start + 14) <= 59)) return false
  if (!(twoDigits(bytes, start + 17) <= 59) || bytes[end - 1] !== 0x5a) return false
  if (end - start === 20) return true
  if (bytes[start + 19] !== 0x2e || end - start === 21) return false
  for (let i = start + 20; i < end - 1; i++) {
    if (!isDigit(bytes[i]!)) return false
  }
  return true
}

/** Whether `bytes[start, end)` is a date in the form in which it is stored. */
export function isStoredDate(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== 10 || bytes[start + 4] !== 0x2d || bytes[start + 7] !== 0x2d) return false
  const year = twoDigits(bytes, start) * 100 + twoDigits(bytes, start + 2)
  return isDate(year, twoDigits(bytes, start + 5), twoDigits(bytes, start + 8))
}
