/** The proleptic Gregorian calendar in whole days, for years 1 to 9999. No Date: it keeps milliseconds only. */

const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const

export const secondsPerDay = 86_400

/** Days since 1970-01-01 of the first and the last day that Sluice knows. */
export const firstDay = -719_162
export const lastDay = 2_932_896

/** `month` counts from 1. False for NaN. */
export function isDate(year: number, month: number, day: number): boolean {
  if (!(year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1)) return false
  const leapDay = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 1 : 0
  return day <= monthDays[month - 1]! + leapDay
}

/** Days since 1970-01-01. Years are counted from March, so that a leap day ends its year. */
export function dayNumber(year: number, month: number, day: number): number {
  const marchYear = month > 2 ? year : year - 1
  const era = Math.floor(marchYear / 400)
  const yearOfEra = marchYear - era * 400
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

/** `YYYY-MM-DD` of a day between `firstDay` and `lastDay`. */
export function dayText(days: number): string {
  const fromEra = days + 719_468
  const era = Math.floor(fromEra / 146_097)
  const dayOfEra = fromEra - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}`
}

/** `HH:MM:SS` of a second of the day. */
export function timeText(second: number): string {
  return `${digits(Math.floor(second / 3600), 2)}:${digits(Math.floor(second / 60) % 60, 2)}:${digits(second % 60, 2)}`
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, '0')
}
