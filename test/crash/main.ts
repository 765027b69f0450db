import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { parseArgs } from 'node:util'

// `pnpm crash --rounds N --seed S`: crash tests with random disturbances at random times, until the first difference.
const { values } = parseArgs({ options: { rounds: { type: 'string' }, seed: { type: 'string' } } })
const rounds = values.rounds ?? '10'
const seed = values.seed ?? String(Math.floor(Math.random() * 2 ** 31))
if (!(Number(rounds) > 0 && Number.isSafeInteger(Number(seed)))) {
  console.error('usage: pnpm crash [--rounds <number>] [--seed <integer>]')
  process.exit(2)
}
console.log(`${rounds} rounds from seed ${seed}`)
const child = spawnSync('vitest', ['run', 'crash/rounds.test.ts', '--disable-console-intercept'], {
  cwd: path.resolve(import.meta.dirname, '..'),
  env: { ...process.env, CRASH_ROUNDS: rounds, CRASH_SEED: seed, CI: 'true' },
  stdio: 'inherit',
})
process.exit(child.status ?? 1)
