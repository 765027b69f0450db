import { decimalExponent } from './decimalExponent.ts'

/** §2. What PostgreSQL's numeric holds: digits before the point (leading zeros apart) and after it. */
const digitsBeforeMax = 131_072
const digitsAfterMax = 16_383

/** Whether jsonb can hold the JSON number with this text, written as it is: so `0e-16384` cannot be held, `0e9999` can. */
export function isStorableNumber(number: string): boolean {
  let before = 0
  let after = 0
  /** Zeros that stand before the first other digit. */
  let leading = 0
  let isZero = true
  let isFraction = false
  let pos = number[0] === '-' ? 1 : 0
  for (; pos < number.length; pos++) {
    const unit = number.charCodeAt(pos)
    if (unit === 0x2e) {
      isFraction = true
      continue
    }
    if (unit < 0x30 || unit > 0x39) break
    if (isFraction) after++
    else before++
    if (isZero && unit === 0x30) leading++
    else isZero = false
  }
  const exponent = pos === number.length ? 0 : decimalExponent(number.slice(pos + 1))
  if (!Number.isFinite(exponent)) return false
  return after - exponent <= digitsAfterMax && (isZero || before - leading + exponent <= digitsBeforeMax)
}
