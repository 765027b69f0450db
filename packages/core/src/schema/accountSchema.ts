/** §3. The account schema: the versioned list of fields that attributes may hold. */
export type ScalarType = 'string' | 'number' | 'integer' | 'boolean' | 'datetime' | 'date'
export type FieldType = ScalarType | 'array' | 'object'

export type Field =
  | { type: ScalarType; required?: boolean }
  | { type: 'array'; of: ScalarType; required?: boolean }
  /** No `fields`: free, kept whole. `merge: deep`: merged key by key at every level (RFC 7396); an inner null removes. */
  | { type: 'object'; fields?: Fields; merge?: 'replace' | 'deep'; required?: boolean }

/** Name and field, in the order of the file. Pairs, because `__proto__` is a plain name. */
export type Fields = ReadonlyArray<readonly [name: string, field: Field]>

/** JSON-safe: it goes through Temporal, worker threads and the store as it is. */
export interface AccountSchema {
  /** 1, 2, 3 … */
  version: number
  fields: Fields
}

export type OnTypeMismatch = 'drop_field' | 'reject_row'
