import { booleanFromNumber, booleanFromText } from '../fields/boolean.ts'
import { dateFromNumber, dateFromText } from '../fields/date.ts'
import { datetimeFromNumber, datetimeFromText, isStoredDate, isStoredDatetime } from '../fields/datetime.ts'
import { integerDigitsMax, integerText } from '../fields/integer.ts'
import { numberFromText } from '../fields/number.ts'
import { isStorableNumber } from '../fields/storableNumber.ts'
import type { ScalarType } from '../schema/accountSchema.ts'
import type { JsonKind } from './jsonScanner.ts'
import { decodeString } from './jsonString.ts'

/** A JSON value in `bytes[start, end)`. */
export interface ScalarText {
  kind: JsonKind
  bytes: Uint8Array
  start: number
  end: number
  /** Whether jsonb cannot hold it as it is. */
  unstorable: boolean
}

/** The value is stored as it is written. */
export const asWritten = Symbol('asWritten')
/** The value is stored as a string of what is written. */
export const asString = Symbol('asString')
export const mismatch = Symbol('mismatch')
export const unstorable = Symbol('unstorable')

/** What is stored of a value: as it is, or another JSON text (ASCII), or nothing. */
export type StoredValue = typeof asWritten | typeof asString | typeof mismatch | typeof unstorable | string

const ascii = new TextDecoder()

/** §3. The table of types and conversions. */
export function storedValue(type: ScalarType, value: ScalarText): StoredValue {
  switch (value.kind) {
    case 'string':
      return fromString(type, value)
    case 'number':
      return fromNumber(type, value)
    case 'true':
    case 'false':
      return type === 'boolean' ? asWritten : type === 'string' ? asString : mismatch
    default:
      return mismatch
  }
}

function fromString(type: ScalarType, value: ScalarText): StoredValue {
  const { bytes, start, end } = value
  switch (type) {
    case 'string':
      return value.unstorable ? unstorable : asWritten
    case 'number': {
      const number = numberFromText(decodeString(bytes, start, end))
      return number === undefined ? mismatch : isStorableNumber(number) ? number : unstorable
    }
    case 'integer': {
      const number = numberFromText(decodeString(bytes, start, end))
      return (number === undefined ? undefined : integerText(number)) ?? mismatch
    }
    case 'boolean': {
      const boolean = booleanFromText(decodeString(bytes, start, end))
      return boolean === undefined ? mismatch : String(boolean)
    }
    case 'datetime':
      if (isStoredDatetime(bytes, start + 1, end - 1)) return asWritten
      return quoted(datetimeFromText(decodeString(bytes, start, end)))
    case 'date':
      if (isStoredDate(bytes, start + 1, end - 1)) return asWritten
      return quoted(dateFromText(decodeString(bytes, start, end)))
  }
}

function fromNumber(type: ScalarType, value: ScalarText): StoredValue {
  const { bytes, start, end } = value
  switch (type) {
    case 'number':
      return value.unstorable ? unstorable : asWritten
    case 'string':
      return asString
    case 'integer':
      if (isStoredInteger(bytes, start, end)) return asWritten
      return integerText(ascii.decode(bytes.subarray(start, end))) ?? mismatch
    case 'boolean': {
      const boolean = booleanFromNumber(ascii.decode(bytes.subarray(start, end)))
      return boolean === undefined ? mismatch : String(boolean)
    }
    case 'datetime':
      return quoted(datetimeFromNumber(ascii.decode(bytes.subarray(start, end))))
    case 'date':
      return quoted(dateFromNumber(ascii.decode(bytes.subarray(start, end))))
  }
}

function quoted(text: string | undefined): StoredValue {
  return text === undefined ? mismatch : `"${text}"`
}

/** Whether a JSON number is written as an integer is stored. */
function isStoredInteger(bytes: Uint8Array, start: number, end: number): boolean {
  const first = bytes[start] === 0x2d ? start + 1 : start
  if (end - first > integerDigitsMax || (first > start && bytes[first] === 0x30)) return false
  for (let i = first; i < end; i++) {
    if (bytes[i]! < 0x30 || bytes[i]! > 0x39) return false
  }
  return true
}
