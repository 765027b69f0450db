// Filters a batch of 50,000 believable rows of about 360 bytes, again and again, and compares it with what JSON.parse alone
// needs for their payloads. Run after `pnpm build`: node bench/filter.bench.mjs [rounds]
import { hash } from 'node:crypto'
import { filterBatch } from '../dist/filter/filterBatch.js'

const rounds = Number(process.argv[2] ?? 20)
const rowCount = 50_000
const schema = {
  version: 1,
  fields: [
    ['region', { type: 'string' }],
    ['employees', { type: 'integer' }],
    ['revenue', { type: 'number' }],
    ['active', { type: 'boolean' }],
    ['last_visit', { type: 'datetime' }],
    ['tags', { type: 'array', of: 'string' }],
    [
      'retention',
      {
        type: 'object',
        merge: 'deep',
        fields: [
          ['purchases', { type: 'integer' }],
          ['vip', { type: 'boolean' }],
        ],
      },
    ],
    ['segment', { type: 'string', required: true }],
    ['note', { type: 'string' }],
  ],
}

const payloads = []
const lines = []
for (let i = 0; i < rowCount; i++) {
  const payload = JSON.stringify({
    region: ['emea', 'amer', 'apac'][i % 3],
    employees: i * 7,
    revenue: i * 1234.5,
    active: i % 2 === 0,
    last_visit: `2026-01-${String((i % 28) + 1).padStart(2, '0')}T10:11:12.${i % 1000}Z`,
    tags: ['alpha', 'beta', `tag-${i % 100}`],
    retention: { purchases: i % 50, vip: i % 10 === 0 },
    segment: 'enterprise',
    note: `An ordinary remark about account ${i}, as long as remarks are`,
    x_unknown: 'dropped',
  })
  const seconds = String(i % 60).padStart(2, '0')
  payloads.push(payload)
  lines.push(`2026-01-02 03:04:${seconds}.123456\tacct-${i}\tAccount number ${i}\t${payload}\tf\n`)
}
const encoder = new TextEncoder()
const raw = encoder.encode(lines.join(''))
const payloadBytes = payloads.map((payload) => encoder.encode(payload))
const decoder = new TextDecoder()
const options = {
  schema,
  onTypeMismatch: 'drop_field',
  order: 'timestamp',
  timestampDigits: 6,
  hash: (bytes) => hash('sha256', bytes, 'hex').slice(0, 32),
}

const filter = measure(() => filterBatch(raw, options))
const parse = measure(() => payloadBytes.map((bytes) => JSON.parse(decoder.decode(bytes))))
console.log(`bytes a row       ${(raw.length / rowCount).toFixed(0)}`)
console.log(`filterBatch       ${filter.toFixed(2)} µs a row`)
console.log(
  `… without hash    ${measure(() => filterBatch(raw, { ...options, hash: () => '0'.repeat(32) })).toFixed(2)} µs a row`,
)
console.log(`JSON.parse alone  ${parse.toFixed(2)} µs a row`)
console.log(`ratio             ${(filter / parse).toFixed(2)}`)

/** Processor time of the fastest round, which other work on the machine disturbed least, in microseconds a row. */
function measure(work) {
  let fastest = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const start = process.cpuUsage()
    work()
    const { user, system } = process.cpuUsage(start)
    fastest = Math.min(fastest, user + system)
  }
  return fastest / rowCount
}
