import type { RejectionCode } from '../rows/rejection.ts'
import type { Field, Fields, ScalarType } from '../schema/accountSchema.ts'

/**
 * What §2 and §3 say of a payload, written down as plainly as can be and without a thought of speed: the tests hold the
 * filter against it. Recursive: for payloads of some hundred levels.
 */

export type Json =
  | { kind: 'null' | 'true' | 'false' }
  | { kind: 'number'; text: string }
  | { kind: 'string'; value: string }
  | { kind: 'array'; items: Json[] }
  /** As written: duplicate keys are all there. */
  | { kind: 'object'; members: [string, Json][] }

export interface ReferenceResult {
  set: Map<string, Json>
  deep: Map<string, Json>
  remove: Set<string>
  dropped: Set<string>
  mismatches: Set<string>
  unstorables: Set<string>
}

export function filterPayload(bytes: Uint8Array, fields: Fields): RejectionCode | ReferenceResult {
  if (bytes.length > 1024 * 1024) return 'payload_too_large'
  const payload = parse(bytes)
  if (payload?.kind !== 'object') return 'invalid_payload'
  if (new Set(payload.members.map(([key]) => key)).size > 250) return 'too_many_fields'
  if (levels(payload) > 100) return 'payload_too_deep'

  const result: ReferenceResult = {
    set: new Map(),
    deep: new Map(),
    remove: new Set(),
    dropped: new Set(),
    mismatches: new Set(),
    unstorables: new Set(),
  }
  const schema = new Map(fields)
  for (const [key, value] of new Map(payload.members)) {
    const field = schema.get(key)
    if (field === undefined) {
      result.dropped.add(key)
      continue
    }
    if (value.kind === 'null') {
      result.remove.add(key)
      continue
    }
    const isDeep = field.type === 'object' && field.merge === 'deep'
    const stored = store(field, value, key, isDeep, result)
    if (stored === 'mismatch') result.mismatches.add(key)
    else if (stored === 'unstorable') result.unstorables.add(key)
    else if (isDeep) result.deep.set(key, stored)
    else result.set.set(key, stored)
  }
  return result
}

type Stored = Json | 'mismatch' | 'unstorable'

function store(field: Field, value: Json, path: string, isDeep: boolean, result: ReferenceResult): Stored {
  if (field.type === 'array') {
    if (value.kind !== 'array') return 'mismatch'
    const items = value.items.map((item) => storeScalar(field.of, item))
    if (items.includes('mismatch')) return 'mismatch'
    if (items.includes('unstorable')) return 'unstorable'
    return { kind: 'array', items: items as Json[] }
  }
  if (field.type !== 'object') return storeScalar(field.type, value)
  if (value.kind !== 'object') return 'mismatch'
  if (field.fields === undefined) return isStorable(value) ? value : 'unstorable'

  const schema = new Map(field.fields)
  const members: [string, Json][] = []
  for (const [key, member] of new Map(value.members)) {
    const inner = schema.get(key)
    const innerPath = `${path}.${key}`
    if (inner === undefined) result.dropped.add(innerPath)
    else if (member.kind === 'null') {
      if (isDeep) members.push([key, member])
    } else {
      const stored = store(inner, member, innerPath, isDeep, result)
      if (stored === 'mismatch') result.mismatches.add(innerPath)
      else if (stored === 'unstorable') result.unstorables.add(innerPath)
      else members.push([key, stored])
    }
  }
  return { kind: 'object', members }
}

function storeScalar(type: ScalarType, value: Json): Stored {
  switch (type) {
    case 'string':
      if (value.kind === 'string') return isStorable(value) ? value : 'unstorable'
      if (value.kind === 'number') return { kind: 'string', value: value.text }
      if (value.kind === 'true' || value.kind === 'false') return { kind: 'string', value: value.kind }
      return 'mismatch'
    case 'number': {
      const number = asNumber(value)
      return number === undefined ? 'mismatch' : isStorable(number) ? number : 'unstorable'
    }
    case 'integer': {
      const integer = asInteger(value)
      return integer === undefined ? 'mismatch' : { kind: 'number', text: integer }
    }
    case 'boolean': {
      if (value.kind === 'true' || value.kind === 'false') return value
      const word =
        value.kind === 'string' ? value.value.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '').toLowerCase() : undefined
      const number = value.kind === 'number' ? asInteger(value) : undefined
      if (number === '1' || /^(true|t|yes|y|1)$/.test(word ?? '')) return { kind: 'true' }
      if (number === '0' || /^(false|f|no|n|0)$/.test(word ?? '')) return { kind: 'false' }
      return 'mismatch'
    }
    case 'datetime': {
      const datetime = asDatetime(value)
      return datetime === undefined ? 'mismatch' : { kind: 'string', value: datetime }
    }
    case 'date': {
      const [date, time] = asDatetime(value)?.split('T') ?? []
      if (time === undefined || !/^00:00:00(\.0+)?Z$/.test(time)) return 'mismatch'
      return { kind: 'string', value: date! }
    }
  }
}

function asNumber(value: Json): (Json & { kind: 'number' }) | undefined {
  if (value.kind === 'number') return value
  if (value.kind !== 'string') return undefined
  const text = value.value.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '')
  return /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text) ? { kind: 'number', text } : undefined
}

/** mantissa × 10^exponent, with a mantissa that does not end in 0. */
function decimal(text: string): { mantissa: bigint; exponent: number } {
  const [, sign, whole, fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE](.+))?$/.exec(text)!
  const digits = `${whole}${fraction}`
  const significant = digits.replace(/0+$/, '')
  return {
    mantissa: BigInt(`${sign}${significant || '0'}`),
    exponent: Number(exponent) - fraction.length + digits.length - significant.length,
  }
}

function asInteger(value: Json): string | undefined {
  const number = asNumber(value)
  if (number === undefined) return undefined
  const { mantissa, exponent } = decimal(number.text)
  if (mantissa === 0n) return '0'
  if (exponent < 0 || exponent > 1000) return undefined
  const integer = String(mantissa * 10n ** BigInt(exponent))
  return integer.replace('-', '').length > 1000 ? undefined : integer
}

function asDatetime(value: Json): string | undefined {
  const number = value.kind === 'string' ? asNumber(value)?.text : value.kind === 'number' ? value.text : undefined
  if (number !== undefined) {
    const match = /^(-?\d+)(?:\.(\d{1,9}))?$/.exec(number)
    if (match === null || match[1]!.length > 13) return undefined
    const width = match[2]?.length ?? 0
    // In units of the last digit.
    const unit = 10n ** BigInt(width)
    const total = BigInt(match[1]! + (match[2] ?? ''))
    let second = total / unit
    if (second * unit > total) second--
    const fraction = width === 0 ? '' : `.${String(total - second * unit).padStart(width, '0')}`
    return inYears(Number(second) * 1000, fraction)
  }
  if (value.kind !== 'string') return undefined
  const date = '(\\d{4})-(\\d{2})-(\\d{2})'
  const time = '(\\d{2}):(\\d{2})(?::(\\d{2})(?:[.,](\\d{1,9}))?)?'
  const zone = '(Z|[+-]\\d{1,2}:\\d{2}|[+-]\\d{4})?'
  const match = new RegExp(`^${date}(?:[T ]${time}${zone})?$`).exec(value.value)
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = [1, 2, 3, 4, 5, 6].map((i) => Number(match[i] ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const midnight = new Date(0)
  midnight.setUTCFullYear(year, month - 1, day)
  const isDate = midnight.toISOString().startsWith(`${match[1]}-${match[2]}-${match[3]}`)
  if (!isDate || year === 0 || hour > 23 || minute > 59 || second > 60) return undefined
  const offset = /^([+-])(\d{1,2}):?(\d{2})$/.exec(match[8] ?? '')
  const offsetMinutes =
    offset === null ? 0 : (Number(offset[2]) * 60 + Number(offset[3])) * (offset[1] === '-' ? -1 : 1)
  if (offset !== null && (Number(offset[2]) > 23 || Number(offset[3]) > 59)) return undefined
  const at = midnight.getTime() + (hour * 3600 + (minute - offsetMinutes) * 60 + second) * 1000
  if (second === 60 && !new Date(at).toISOString().endsWith('T00:00:00.000Z')) return undefined
  return inYears(at, match[7] === undefined ? '' : `.${match[7]}`)
}

function inYears(at: number, fraction: string): string | undefined {
  if (at < -62_135_596_800_000 || at > 253_402_300_799_000) return undefined
  return `${new Date(at).toISOString().slice(0, 19)}${fraction}Z`
}

function isStorable(value: Json): boolean {
  switch (value.kind) {
    case 'string':
      return isStorableText(value.value)
    case 'number': {
      const [, whole, fraction = '', exponentText = '0'] = /^-?(\d+)(?:\.(\d+))?(?:[eE](.+))?$/.exec(value.text)!
      const exponent = Number(exponentText)
      if (Math.abs(exponent) >= 2 ** 30) return false
      const { mantissa, exponent: shift } = decimal(value.text)
      const before = mantissa === 0n ? 0 : String(mantissa).replace('-', '').length + shift
      return before <= 131_072 && fraction.length - exponent <= 16_383 && whole !== undefined
    }
    case 'array':
      return value.items.every(isStorable)
    case 'object':
      return value.members.every(([key, member]) => isStorableText(key) && isStorable(member))
    default:
      return true
  }
}

function isStorableText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

function levels(value: Json): number {
  if (value.kind === 'array') return 1 + Math.max(0, ...value.items.map(levels))
  if (value.kind === 'object') return 1 + Math.max(0, ...value.members.map(([, member]) => levels(member)))
  return 0
}

/** RFC 8259, rule by rule. Undefined if the bytes are no JSON text in UTF-8 without BOM. */
export function parse(bytes: Uint8Array): Json | undefined {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
  let at = 0
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (match === null) return undefined
    at += match[0].length
    return match[0]
  }
  const blank = () => take(/[ \t\n\r]*/y)
  const string = (): string | undefined => {
    const written = take(/"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y)
    return written === undefined ? undefined : JSON.parse(written)
  }
  const value = (): Json | undefined => {
    const word = take(/true|false|null/y)
    if (word !== undefined) return { kind: word as 'true' | 'false' | 'null' }
    const number = take(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y)
    if (number !== undefined) return { kind: 'number', text: number }
    const written = string()
    if (written !== undefined) return { kind: 'string', value: written }
    if (take(/\[/y)) {
      const items = list(']', value)
      return items && { kind: 'array', items }
    }
    if (take(/\{/y)) {
      const members = list('}', (): [string, Json] | undefined => {
        const key = string()
        blank()
        if (key === undefined || take(/:/y) === undefined) return undefined
        blank()
        const member = value()
        return member && [key, member]
      })
      return members && { kind: 'object', members }
    }
    return undefined
  }
  const list = <T>(end: string, item: () => T | undefined): T[] | undefined => {
    const items: T[] = []
    blank()
    if (text[at] === end) {
      at++
      return items
    }
    for (;;) {
      const next = item()
      if (next === undefined) return undefined
      items.push(next)
      blank()
      const mark = text[at++]
      if (mark === end) return items
      if (mark !== ',') return undefined
      blank()
    }
  }
  blank()
  const found = value()
  blank()
  return at === text.length ? found : undefined
}

/** One text for each value: the last of duplicate keys, keys sorted, numbers as written. */
export function canonical(value: Json): string {
  switch (value.kind) {
    case 'number':
      return value.text
    case 'string':
      return JSON.stringify(value.value)
    case 'array':
      return `[${value.items.map(canonical).join()}]`
    case 'object': {
      const members = [...new Map(value.members)].sort(([a], [b]) => (a < b ? -1 : 1))
      return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join()}}`
    }
    default:
      return value.kind
  }
}
