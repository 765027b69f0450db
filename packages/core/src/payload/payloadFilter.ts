import { ByteWriter } from '../rows/byteWriter.ts'
import { writeEscaped } from '../rows/copyText.ts'
import type { RejectionCode } from '../rows/rejection.ts'
import type { Fields, ScalarType } from '../schema/accountSchema.ts'
import { type FieldPlan, ObjectPlan } from './fieldPlan.ts'
import { type JsonKind, JsonScanner } from './jsonScanner.ts'
import {
  asString,
  asWritten,
  mismatch,
  type ScalarText,
  type StoredValue,
  storedValue,
  unstorable,
} from './scalarValue.ts'

/** §2. */
export const payloadBytesMax = 1_048_576
const payloadKeysMax = 250
const payloadLevelsMax = 100
/** §3 lets `1e999` become a thousand digits. An array that would grow past this by such items is a mismatch. */
const arrayBytesMax = 16 * 1_048_576

/**
 * Filters one payload after the other by a schema: one pass over the bytes validates them and finds the members to keep,
 * which are written out as they were written, so that no digit is lost.
 */
export class PayloadFilter {
  /** What became of each field of the last payload, and the counts over all. */
  readonly plan: ObjectPlan

  private readonly scanner = new JsonScanner()
  private isPlain = false
  private readonly scalar: ScalarText
  /** The texts of the values that are not stored as they were written. */
  private readonly converted = new ByteWriter(1024)

  constructor(fields: Fields) {
    this.plan = new ObjectPlan(fields)
    this.scalar = { kind: 'null', bytes: this.scanner.bytes, start: 0, end: 0, unstorable: false }
  }

  /** No payload at all: no fields. */
  readNothing(): void {
    this.plan.begin()
  }

  /**
   * §2. Reads `bytes[start, end)`, which must stay as they are until the next read. `isPlain`: COPY has nothing to escape
   * in them. Undefined if the payload is good.
   */
  read(bytes: Uint8Array, start: number, end: number, isPlain: boolean): RejectionCode | undefined {
    const { scanner, plan } = this
    // First of all: what is too large is not read, and a source may have cut it.
    if (end - start > payloadBytesMax) return 'payload_too_large'
    this.isPlain = isPlain
    scanner.open(bytes, start, end)
    this.scalar.bytes = bytes
    this.converted.length = 0
    if (scanner.skipBlanks() !== 0x7b || !this.readMembers(plan, 1) || scanner.skipBlanks() !== -1) {
      return 'invalid_payload'
    }
    if (plan.keys > payloadKeysMax) return 'too_many_fields'
    if (scanner.levels > payloadLevelsMax) return 'payload_too_deep'
    return undefined
  }

  /** The column `set`: a JSON object, escaped for COPY. */
  writeSet(to: ByteWriter): void {
    if (!this.writeMembers(to, false)) to.text('{}')
  }

  /** The column `deep`: a JSON object, escaped for COPY. False, and nothing is written, if it has no members. */
  writeDeep(to: ByteWriter): boolean {
    return this.writeMembers(to, true)
  }

  /** The column `remove`: a text[] literal, escaped for COPY. False, and nothing is written, if it has no elements. */
  writeRemove(to: ByteWriter): boolean {
    let isFirst = true
    for (const field of this.plan.fields) {
      if (field.outcome !== 'null') continue
      to.byte(isFirst ? 0x7b : 0x2c)
      isFirst = false
      writeEscaped(to, field.element, 0, field.element.length)
    }
    if (isFirst) return false
    to.byte(0x7d)
    return true
  }

  private writeMembers(to: ByteWriter, isDeep: boolean): boolean {
    const at = to.length
    for (const field of this.plan.fields) {
      if (field.outcome !== 'value' || field.isDeep !== isDeep) continue
      to.slice(field.copyKey, 0, field.copyKey.length)
      if (field.isConverted) writeEscaped(to, this.converted.bytes, field.start, field.end)
      else if (this.isPlain) to.slice(this.scanner.bytes, field.start, field.end)
      else writeEscaped(to, this.scanner.bytes, field.start, field.end)
    }
    if (to.length === at) return false
    // Where the first comma is.
    to.bytes[at] = 0x7b
    to.byte(0x7d)
    return true
  }

  /** The object that opens at `pos`, at nesting level `level`. Recursion goes as deep as the schema, not as the payload. */
  private readMembers(plan: ObjectPlan, level: number): boolean {
    const { scanner } = this
    plan.begin()
    if (level > scanner.levels) scanner.levels = level
    scanner.pos++
    if (scanner.skipBlanks() === 0x7d) {
      scanner.pos++
      return true
    }
    for (;;) {
      // A payload with too many keys is only validated from there on.
      const isBeyond = level === 1 && plan.keys > payloadKeysMax
      if (!(isBeyond ? scanner.key() : plan.readKey(scanner) && scanner.colon())) return false
      const field = isBeyond ? undefined : plan.field
      if (!(field === undefined ? scanner.value(level + 1) : this.readField(field, level + 1))) return false
      const byte = scanner.skipBlanks()
      scanner.pos++
      if (byte === 0x7d) return true
      if (byte !== 0x2c) return false
      scanner.skipBlanks()
    }
  }

  private readField(plan: FieldPlan, level: number): boolean {
    const { scanner } = this
    const { type } = plan
    const kind = scanner.kind()
    const start = scanner.pos
    if (kind === 'array' && plan.of !== undefined) return this.readArray(plan, plan.of, level)
    if (kind === 'object' && plan.inner !== undefined) return this.readObject(plan, plan.inner, level)
    scanner.unstorable = false
    if (!scanner.value(level)) return false

    if (kind === 'null') plan.outcome = 'null'
    else if (type === 'array') plan.outcome = 'mismatch'
    else if (type === 'object') {
      if (kind !== 'object') plan.outcome = 'mismatch'
      else if (scanner.unstorable) plan.outcome = 'unstorable'
      else plan.keep(false, start, scanner.pos)
    } else {
      const stored = this.stored(type, kind!, start)
      if (stored === asWritten) plan.keep(false, start, scanner.pos)
      else if (stored === mismatch) plan.outcome = 'mismatch'
      else if (stored === unstorable) plan.outcome = 'unstorable'
      else {
        const at = this.converted.length
        this.convert(stored)
        plan.keep(true, at, this.converted.length)
      }
    }
    return true
  }

  private readObject(plan: FieldPlan, inner: ObjectPlan, level: number): boolean {
    if (!this.readMembers(inner, level)) return false
    const { converted, scanner } = this
    const at = converted.length
    for (const field of inner.fields) {
      // A patch says which keys to remove; an object that replaces another just does not have them.
      if (field.outcome !== 'value' && !(field.outcome === 'null' && field.isDeep)) continue
      converted.slice(field.key, 0, field.key.length)
      if (field.outcome === 'null') converted.text('null')
      else converted.slice(field.isConverted ? converted.bytes : scanner.bytes, field.start, field.end)
    }
    if (converted.length === at) converted.byte(0x7b)
    // Where the first comma is.
    else converted.bytes[at] = 0x7b
    converted.byte(0x7d)
    plan.keep(true, at, converted.length)
    return true
  }

  private readArray(plan: FieldPlan, of: ScalarType, level: number): boolean {
    const { converted, scanner } = this
    const at = converted.length
    plan.outcome = 'value'
    if (level > scanner.levels) scanner.levels = level
    scanner.pos++
    converted.byte(0x5b)
    let isLast = scanner.skipBlanks() === 0x5d
    if (isLast) scanner.pos++
    while (!isLast) {
      const kind = scanner.kind()
      const start = scanner.pos
      scanner.unstorable = false
      if (!scanner.value(level + 1)) return false
      if (plan.outcome !== 'mismatch') {
        const stored = this.stored(of, kind!, start)
        if (stored === mismatch || converted.length - at > arrayBytesMax) plan.outcome = 'mismatch'
        else if (stored === unstorable) plan.outcome = 'unstorable'
        else if (plan.outcome === 'value') {
          if (converted.length > at + 1) converted.byte(0x2c)
          this.convert(stored)
        }
      }
      const byte = scanner.skipBlanks()
      scanner.pos++
      isLast = byte === 0x5d
      if (!isLast && byte !== 0x2c) return false
      if (!isLast) scanner.skipBlanks()
    }
    converted.byte(0x5d)
    if (plan.outcome === 'value') plan.keep(true, at, converted.length)
    return true
  }

  /** What is stored of the scalar that begins at `start` and ends at `pos`. */
  private stored(type: ScalarType, kind: JsonKind, start: number): StoredValue {
    const { scalar, scanner } = this
    scalar.kind = kind
    scalar.start = start
    scalar.end = scanner.pos
    scalar.unstorable = scanner.unstorable
    return storedValue(type, scalar)
  }

  /** Writes the scalar that `stored` was asked for last. */
  private convert(stored: Exclude<StoredValue, typeof mismatch | typeof unstorable>): void {
    const { converted, scalar } = this
    if (typeof stored === 'string') {
      converted.text(stored)
      return
    }
    if (stored === asString) converted.byte(0x22)
    converted.slice(scalar.bytes, scalar.start, scalar.end)
    if (stored === asString) converted.byte(0x22)
  }
}
