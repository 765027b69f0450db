import { decimalExponent } from './decimalExponent.ts'

/** §3. Longer integers are mismatches. */
export const integerDigitsMax = 1000

/**
 * `number` is the text of a JSON number. Returns the integer that it equals, written without fraction and exponent;
 * undefined if it equals none or one that is too long. Works on the digits: exponents of any size cost nothing.
 */
export function integerText(number: string): string | undefined {
  const mark = exponentMark(number)
  const exponent = mark === number.length ? 0 : decimalExponent(number.slice(mark + 1))
  const mantissa = number.slice(number[0] === '-' ? 1 : 0, mark)
  const point = mantissa.indexOf('.')
  const digits = point === -1 ? mantissa : mantissa.slice(0, point) + mantissa.slice(point + 1)

  let first = 0
  while (first < digits.length && digits[first] === '0') first++
  if (first === digits.length) return '0'
  let last = digits.length
  while (digits[last - 1] === '0') last--

  const zeros = exponent - (point === -1 ? 0 : mantissa.length - point - 1) + digits.length - last
  if (zeros < 0 || last - first + zeros > integerDigitsMax) return undefined
  return (number[0] === '-' ? '-' : '') + digits.slice(first, last) + '0'.repeat(zeros)
}

function exponentMark(number: string): number {
  const at = number.search(/[eE]/)
  return at === -1 ? number.length : at
}
