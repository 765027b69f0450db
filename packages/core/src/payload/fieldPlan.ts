import type { Field, Fields, FieldType, ScalarType } from '../schema/accountSchema.ts'
import type { JsonScanner } from './jsonScanner.ts'
import { decodeString } from './jsonString.ts'
import { KeyCache } from './keyCache.ts'

/** What became of a field in the payload that is being read. */
export type FieldOutcome = 'absent' | 'null' | 'value' | 'mismatch' | 'unstorable'

const encoder = new TextEncoder()
/** Names outside the schema that one object remembers in a batch; hostile payloads may have any number. */
const namesMax = 10_000

/** What a key of an object stands for. */
type Member = FieldPlan | UnknownField

/** One field of the schema, its place in the payload that is being read, and its counts over the batch. */
export class FieldPlan {
  readonly isKnown = true
  readonly name: string
  readonly type: FieldType
  /** The type of an array's items. */
  readonly of: ScalarType | undefined
  /** For an object with `fields`. */
  readonly inner: ObjectPlan | undefined
  /** `,"name":` in JSON. */
  readonly key: Uint8Array
  /** The same, escaped for COPY. */
  readonly copyKey: Uint8Array
  /** The name as an element of PostgreSQL's text[] literal. */
  readonly element: Uint8Array
  readonly isRequired: boolean
  /** §3. `merge` of the top-level field holds for everything inside it. */
  readonly isDeep: boolean

  outcome: FieldOutcome = 'absent'
  /** Where the text of the value is: in the payload, or among the converted values. */
  isConverted = false
  start = 0
  end = 0

  mismatches = 0
  unstorables = 0

  constructor(name: string, field: Field, isInsideDeep: boolean | undefined) {
    this.name = name
    this.type = field.type
    this.of = field.type === 'array' ? field.of : undefined
    const key = `,${JSON.stringify(name)}:`
    this.key = encoder.encode(key)
    // JSON leaves nothing but the backslash to escape.
    this.copyKey = encoder.encode(key.replaceAll('\\', '\\\\'))
    this.element = encoder.encode(`"${name.replace(/["\\]/g, '\\$&')}"`)
    this.isRequired = field.required === true
    this.isDeep = isInsideDeep ?? (field.type === 'object' && field.merge === 'deep')
    this.inner =
      field.type === 'object' && field.fields !== undefined ? new ObjectPlan(field.fields, this.isDeep) : undefined
  }

  /** The value is `[start, end)` of the payload, or of the converted values. */
  keep(isConverted: boolean, start: number, end: number): void {
    this.outcome = 'value'
    this.isConverted = isConverted
    this.start = start
    this.end = end
  }
}

/** A name that the schema does not have. */
export class UnknownField {
  readonly isKnown = false
  readonly name: string
  /** Payloads that had it, over the batch. */
  rows = 0
  /** The object that had it last. */
  seenIn = 0

  constructor(name: string) {
    this.name = name
  }
}

/** An object with named fields: the payload itself, or a field's. One object is read at a time. */
export class ObjectPlan {
  readonly fields: readonly FieldPlan[]
  readonly required: readonly FieldPlan[]
  /** Distinct keys of the object. */
  keys = 0
  /** What the last key stands for; undefined if the schema has no such name. */
  field: FieldPlan | undefined
  /** The unknown ones among them that are remembered: so many at the front of `unknown`. */
  private unknownKeys = 0
  private readonly unknown: UnknownField[] = []
  /** Unknown names that are not remembered, counted over the batch. */
  unnamedRows = 0

  private readonly members: Map<string, Member>
  private readonly cache: KeyCache<Member | undefined>
  /** The names that are not remembered, of this object alone. */
  private unnamed: Set<string> | undefined
  private objects = 0

  /** `isInsideDeep`: undefined for the payload itself. */
  constructor(fields: Fields, isInsideDeep?: boolean) {
    this.fields = fields.map(([name, field]) => new FieldPlan(name, field, isInsideDeep))
    this.required = this.fields.filter((field) => field.isRequired)
    this.members = new Map(this.fields.map((field) => [field.name, field]))
    this.cache = new KeyCache((name) => this.member(name))
  }

  /** A next object begins. */
  begin(): void {
    this.objects++
    this.keys = 0
    this.unknownKeys = 0
    this.unnamed = undefined
    this.cache.begin()
    for (const field of this.fields) field.outcome = 'absent'
  }

  /** Reads the key at `scanner.pos`; `field` is then what it stands for. False if there is no key. */
  readKey(scanner: JsonScanner): boolean {
    const start = scanner.pos
    if (!this.cache.read(scanner)) return false
    const member = this.cache.value
    this.field = undefined
    if (member === undefined) {
      this.unnamed ??= new Set()
      const before = this.unnamed.size
      this.unnamed.add(decodeString(scanner.bytes, start, scanner.pos))
      this.keys += this.unnamed.size - before
    } else if (member.isKnown) {
      this.field = member
      if (member.outcome === 'absent') this.keys++
    } else if (member.seenIn !== this.objects) {
      member.seenIn = this.objects
      this.unknown[this.unknownKeys++] = member
      this.keys++
    }
    return true
  }

  /** The first field that is a mismatch, by path. */
  mismatch(): string | undefined {
    for (const field of this.fields) {
      if (field.outcome === 'mismatch') return field.name
      if (field.inner === undefined || field.outcome !== 'value') continue
      const inner = field.inner.mismatch()
      if (inner !== undefined) return `${field.name}.${inner}`
    }
    return undefined
  }

  /** Whether a required field has no value: the row may change an account but not create one. */
  lacksRequired(): boolean {
    for (const field of this.required) {
      if (field.outcome !== 'value') return true
    }
    return false
  }

  /** Adds what became of the object that was read to the counts over the batch. */
  count(): void {
    for (const field of this.fields) {
      if (field.outcome === 'mismatch') field.mismatches++
      else if (field.outcome === 'unstorable') field.unstorables++
      else if (field.outcome === 'value') field.inner?.count()
    }
    for (let i = 0; i < this.unknownKeys; i++) this.unknown[i]!.rows++
    if (this.unnamed !== undefined) this.unnamedRows += this.unnamed.size
  }

  /** The same for the mismatches alone. */
  countMismatches(): void {
    for (const field of this.fields) {
      if (field.outcome === 'mismatch') field.mismatches++
      else if (field.outcome === 'value') field.inner?.countMismatches()
    }
  }

  /** All names outside the schema that were counted in the batch. */
  *unknownFields(): IterableIterator<UnknownField> {
    for (const member of this.members.values()) {
      if (member instanceof UnknownField && member.rows > 0) yield member
    }
  }

  private member(name: string): Member | undefined {
    const known = this.members.get(name)
    if (known !== undefined || this.members.size >= this.fields.length + namesMax) return known
    const unknown = new UnknownField(name)
    this.members.set(name, unknown)
    return unknown
  }
}
