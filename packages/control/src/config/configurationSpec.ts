import { connectionSchemas } from '@sluice/connectors/connectionOptions'
import { secretRef } from '@sluice/connectors/secretRef'
import { z } from 'zod'
import { byteSizePattern, formatByteSize, parseByteSize } from './byteSize.ts'
import { cronProblem } from './cron.ts'
import { durationPattern, formatDuration, parseDuration } from './duration.ts'

const day = 86_400_000

/** What a field may be called (§3); any other text is a plain name, `__proto__` too. */
const fieldName = z
  .string()
  .refine(
    (name) => name !== '' && [...name].length <= 255 && !/[\u0000-\u001f\u007f-\u009f]/.test(name),
    'a field name has 1 to 255 characters and no control characters',
  )

export const scalarTypes = ['string', 'number', 'integer', 'boolean', 'datetime', 'date'] as const
const fieldTypes = [...scalarTypes, 'array', 'object'] as const

export interface FieldSpec {
  type: (typeof fieldTypes)[number]
  of?: (typeof scalarTypes)[number] | undefined
  fields?: Map<string, FieldSpec> | undefined
  merge?: 'replace' | 'deep' | undefined
  required?: boolean | undefined
}

export const fieldSpec: z.ZodType<FieldSpec> = z
  .strictObject(
    {
      type: oneOf(fieldTypes).meta({ description: 'What the field holds.' }),
      of: oneOf(scalarTypes).optional().meta({ description: 'Arrays only, and needed there: the type of each item.' }),
      get fields() {
        return z
          .map(fieldName, fieldSpec)
          .optional()
          .meta({ description: 'Objects only: the fields inside. Absent: the object is kept whole.' })
      },
      merge: oneOf(['replace', 'deep']).optional().meta({
        description: 'Objects only: a new value replaces the stored one, or is merged into it key by key.',
        default: 'replace',
      }),
      required: flag()
        .optional()
        .meta({ description: 'Fields of the outermost level only: no account is created without it.', default: false }),
    },
    { error: 'expected a type such as `string`, or `{ type: … }`' },
  )
  .superRefine((field, context) => {
    const problem = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message })
    if (field.type === 'array' && field.of === undefined)
      problem('type', 'an array says what its items are: `{ type: array, of: string }`')
    if (field.type !== 'array' && field.of !== undefined) problem('of', 'only an array has `of`')
    if (field.type !== 'object' && field.fields !== undefined) problem('fields', 'only an object has `fields`')
    if (field.type !== 'object' && field.merge !== undefined) problem('merge', 'only an object has `merge`')
    for (const [name, inner] of field.fields ?? [])
      if (inner.required)
        context.addIssue({
          code: 'custom',
          path: ['fields', name, 'required'],
          message: 'only a field of the outermost level can be required',
        })
  })

const sourceSpec = z
  .strictObject(
    {
      table: text('expected the name of a table or view, such as public.accounts_sync', 1000).optional().meta({
        description: 'Warehouses: a table, view or materialized view. `a.b.c` splits at dots, `"a.b".c` keeps them.',
      }),
      query: text('expected one SELECT statement', 100_000).optional().meta({
        description: 'Warehouses: one read-only SELECT that yields UPDATED_AT, ID, NAME, PAYLOAD and DELETED.',
      }),
      prefix: z
        .string({ error: 'expected a folder such as accounts/, or "" for everything' })
        .max(1000)
        .optional()
        .meta({ description: 'Files: where they are, below the path of the connection. `""` is everything.' }),
      format: oneOf(['jsonl', 'csv'])
        .optional()
        .meta({ description: 'Files, and needed there. A name may end in .gz or .zst.' }),
    },
    { error: 'expected { table: … }, { query: … } or { prefix: …, format: … }' },
  )
  .superRefine((source, context) => {
    const given = (['table', 'query', 'prefix'] as const).filter((key) => source[key] !== undefined)
    if (given.length !== 1)
      context.addIssue({ code: 'custom', message: 'give exactly one of `table`, `query` and `prefix`' })
    else if (given[0] === 'prefix' && source.format === undefined)
      context.addIssue({ code: 'custom', message: 'files need a `format`: jsonl or csv' })
    else if (given[0] !== 'prefix' && source.format !== undefined)
      context.addIssue({ code: 'custom', path: ['format'], message: 'only files have a `format`' })
  })

const scheduleSpec = z
  .strictObject(
    {
      every: duration({ min: 5 * 60_000, max: 31 * day, example: '15m' })
        .optional()
        .meta({ description: 'Time between two runs.', 'x-unit': 'duration' }),
      cron: z
        .string({ error: 'expected five cron fields such as "0 6 * * 1-5"' })
        .superRefine((value, context) => {
          const problem = cronProblem(value)
          if (problem) context.addIssue({ code: 'custom', message: problem })
        })
        .transform((value) =>
          value
            .trim()
            .split(/[ \t]+/)
            .join(' '),
        )
        .optional()
        .meta({ description: 'Minute, hour, day of the month, month, weekday.' }),
      time_zone: z
        .string({ error: 'expected a time zone such as Europe/Paris' })
        .refine((value) => timeZone(value) !== undefined, {
          error: 'expected a time zone of the IANA list such as Europe/Paris',
        })
        .overwrite((value) => timeZone(value) ?? value)
        .optional()
        .meta({ description: 'Where the hours of `cron` hold.', default: 'UTC' }),
    },
    { error: 'expected { every: 15m } or { cron: "0 6 * * 1-5" }' },
  )
  .superRefine((schedule, context) => {
    if ((schedule.every === undefined) === (schedule.cron === undefined))
      context.addIssue({
        code: 'custom',
        message: 'give exactly one of `every` and `cron`; leave `schedule` out to start runs by hand',
      })
    else if (schedule.every !== undefined && schedule.time_zone !== undefined)
      context.addIssue({ code: 'custom', path: ['time_zone'], message: 'only `cron` has a time zone' })
  })

const notifyEvents = [
  'success',
  'partial',
  'error',
  'config_error',
  'limit_exceeded',
  'cancelled',
  'rejected_rows',
] as const

const notifySpec = z.array(
  z.strictObject(
    {
      webhook: secretRef.meta({ description: 'Where the address is found.' }),
      on: z
        .array(oneOf(notifyEvents), { error: 'expected a list of events' })
        .min(1, 'name at least one event')
        .meta({ description: 'What is told.' }),
    },
    { error: 'expected { webhook: { env: NAME }, on: [error] }' },
  ),
  { error: 'expected a list: [{ webhook: { env: NAME }, on: [error] }]' },
)

const connectionTypes = Object.keys(connectionSchemas)

type ConnectionOption = (typeof connectionSchemas)[keyof typeof connectionSchemas]

const connectionSpec = z.discriminatedUnion(
  'type',
  Object.values(connectionSchemas) as [ConnectionOption, ...ConnectionOption[]],
  {
    error: (issue) =>
      issue.code === 'invalid_union' ? `expected ${connectionTypes.join(' or ')}` : 'expected { type: …, … }',
  },
)

export const syncSpec = z.strictObject(
  {
    connection: z.string({ error: 'expected the name of a connection' }).meta({ description: 'One of `connections`.' }),
    source: sourceSpec.meta({ description: 'What is read.' }),
    schedule: scheduleSpec.optional().meta({ description: 'When it runs by itself. Absent: it is started by hand.' }),
    lookback: duration({ min: 0, max: 366 * day, example: '10m' })
      .prefault('0s')
      .meta({
        description: 'How far before the watermark each run reads again, for rows that were committed late.',
        'x-unit': 'duration',
      }),
    on_type_mismatch: oneOf(['drop_field', 'reject_row'])
      .default('drop_field')
      .meta({ description: 'What a value of the wrong type costs: its field, or the whole row.' }),
    overwrites: oneOf(['report', 'reprocess'])
      .default('report')
      .meta({ description: 'Files: what to do with a name that comes again with another content.' }),
    stop_when: z
      .strictObject(
        {
          rejected_rows: whole({ min: 0, max: 1_000_000_000 })
            .optional()
            .meta({ description: 'Rejected rows that a run bears.', 'x-unit': 'rows' }),
          rejected_share: z
            .number({ error: 'expected a share from 0 to 1, such as 0.05' })
            .min(0, 'expected a share from 0 to 1, such as 0.05')
            .max(1, 'expected a share from 0 to 1, such as 0.05')
            .optional()
            .meta({
              description: 'Rejected rows of the rows read that a run bears, looked at before each commit.',
              'x-unit': 'share from 0 to 1',
            }),
        },
        { error: 'expected { rejected_rows: 10000, rejected_share: 0.05 }' },
      )
      .optional()
      .meta({ description: 'Past either of these a run stops before its next commit.' }),
    batch: z
      .strictObject(
        {
          rows: whole({ min: 1, max: 1_000_000 })
            .default(50_000)
            .meta({ description: 'Rows of one batch at most.', 'x-unit': 'rows' }),
          bytes: byteSize({ min: 1024, max: 256 * 1024 ** 2, example: '16MiB' })
            .prefault('16MiB')
            .meta({ description: 'Size of one batch at most; a single row may exceed it.', 'x-unit': 'size' }),
        },
        { error: 'expected { rows: 50000, bytes: 16MiB }' },
      )
      .prefault({})
      .meta({ description: 'The unit that is extracted, filtered and applied.' }),
    limits: z
      .strictObject(
        {
          rows_per_run: whole({ min: 1, max: 1_000_000_000_000 })
            .default(500_000_000)
            .meta({ description: 'Rows of one run.', 'x-unit': 'rows' }),
          query_timeout: duration({ min: 1000, max: day, example: '60m' })
            .prefault('60m')
            .meta({ description: 'Time for one query of the source.', 'x-unit': 'duration' }),
          retry_for: duration({ min: 0, max: 31 * day, example: '6h' })
            .prefault('6h')
            .meta({ description: 'How long faults that time can mend are tried again.', 'x-unit': 'duration' }),
        },
        { error: 'expected { rows_per_run: 500000000, query_timeout: 60m, retry_for: 6h }' },
      )
      .prefault({})
      .meta({ description: 'Where a run stops, at a committed point.' }),
    notify: notifySpec
      .optional()
      .meta({ description: 'Who is told. Kept with the sync; this version does not send anything yet.' }),
  },
  { error: 'expected the settings of a sync' },
)

const nameRule = 'a name has 1 to 63 of a-z, 0-9, _ and -, and begins with a letter or digit'
const name = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, nameRule)

export const configurationSpec = z.strictObject(
  {
    schema: z
      .strictObject(
        {
          fields: z
            .map(fieldName, fieldSpec, { error: 'expected fields such as `region: string`' })
            .meta({ description: 'Each by its name. `region: string` is short for `region: { type: string }`.' }),
        },
        { error: 'expected { fields: … }' },
      )
      .optional()
      .meta({ description: 'The account schema: what attributes may hold. Absent: the schema in force stays.' }),
    connections: z
      .record(name, connectionSpec, { error: 'expected connections by name' })
      .default({})
      .meta({ description: 'How sources are reached.' }),
    syncs: z
      .record(name, syncSpec, { error: 'expected syncs by name' })
      .default({})
      .meta({ description: 'What is read from where, and when.' }),
    store: z
      .strictObject(
        {
          quota: z
            .strictObject(
              {
                accounts: whole({ min: 1, max: 1_000_000_000_000 })
                  .optional()
                  .meta({ description: 'Accounts at most. Absent: no limit.', 'x-unit': 'accounts' }),
                bytes: byteSize({ min: 1, max: 1024 ** 5, example: '100GiB' })
                  .optional()
                  .meta({
                    description: 'Bytes of ids, names and attributes at most. Absent: no limit.',
                    'x-unit': 'size',
                  }),
              },
              { error: 'expected { accounts: 1000000, bytes: 100GiB }' },
            )
            .optional()
            .meta({ description: 'What the store may hold; a run that would exceed it ends with `limit_exceeded`.' }),
        },
        { error: 'expected { quota: … }' },
      )
      .optional()
      .meta({ description: 'The account store.' }),
  },
  { error: 'expected the keys schema, connections, syncs and store' },
)

export type ConfigurationSpec = z.output<typeof configurationSpec>

function oneOf<const Values extends readonly [string, ...string[]]>(values: Values) {
  return z.enum(values, { error: `expected ${values.slice(0, -1).join(', ')} or ${values.at(-1)}` })
}

function flag() {
  return z.boolean({ error: 'expected true or false' })
}

function text(error: string, charactersMax: number) {
  return z
    .string({ error })
    .trim()
    .min(1, error)
    .max(charactersMax, `longer than ${charactersMax.toLocaleString('en')} characters`)
}

function whole({ min, max }: { min: number; max: number }) {
  const error = `expected a whole number from ${min.toLocaleString('en')} to ${max.toLocaleString('en')}`
  return z.int({ error }).min(min, error).max(max, error)
}

/** Text such as `10m` in, milliseconds out. */
function duration({ min, max, example }: { min: number; max: number; example: string }) {
  const range = `from ${formatDuration(min)} to ${formatDuration(max)}`
  return z
    .string({ error: `expected a duration such as "${example}"` })
    .regex(durationPattern, `expected a duration such as "${example}" (s, m, h or d)`)
    .refine((value) => inRange(parseDuration(value), min, max), {
      error: `expected a duration ${range}`,
      when: wellFormed,
    })
    .transform((value) => parseDuration(value)!)
}

/** Text such as `16MiB` in, bytes out. */
function byteSize({ min, max, example }: { min: number; max: number; example: string }) {
  const range = `from ${formatByteSize(min)} to ${formatByteSize(max)}`
  return z
    .string({ error: `expected a size such as "${example}"` })
    .regex(byteSizePattern, `expected a size such as "${example}" (B, KiB, MiB, GiB or TiB)`)
    .refine((value) => inRange(parseByteSize(value), min, max), { error: `expected a size ${range}`, when: wellFormed })
    .transform((value) => parseByteSize(value)!)
}

/** One problem a value is enough: a range is not checked on what is no duration at all. */
function wellFormed({ issues }: { issues: unknown[] }): boolean {
  return issues.length === 0
}

function inRange(value: number | undefined, min: number, max: number): boolean {
  return value !== undefined && value >= min && value <= max
}

/** In the case of the IANA list, which Temporal insists on; undefined if there is no such time zone. */
function timeZone(value: string): string | undefined {
  // Offsets such as +02:00 are taken by Intl, but Temporal knows names only.
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(value)) return undefined
  try {
    return new Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions().timeZone
  } catch {
    return undefined
  }
}
