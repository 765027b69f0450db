// `npm test`, `pnpm verify` and CI are one thing: this. Everything runs, also after a failure; the last line sums up.
// With arguments it runs tests alone, for the inner loop: `pnpm test --filter core`, `pnpm test test/store`.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

process.chdir(path.join(import.meta.dirname, '..'))
process.env.PATH = `${path.resolve('node_modules/.bin')}${path.delimiter}${process.env.PATH}`

// Cheap ones first. What is built is what the tests of commands and processes run.
const checks = {
  'format and lint': ['biome', 'ci', '--error-on-warnings', '--colors=off', '.'],
  build: ['turbo', 'run', 'build', '--output-logs=errors-only'],
  types: ['turbo', 'run', 'typecheck', '--output-logs=errors-only'],
  'dead code': ['knip', '--no-progress'],
  'generated files are current': ['node', 'scripts/generate.mjs', '--check'],
}

const asked = process.argv.slice(2)
if (asked.length > 0) {
  const filtered = asked.map((word, at) => {
    if (word === '--filter') return '--project'
    return asked[at - 1] === '--filter' ? `@sluice/${word.replace('@sluice/', '')}` : word
  })
  process.exitCode = runTests(filtered).failed > 0 ? 1 : 0
} else {
  const sum = { passed: 0, failed: 0, skipped: 0 }
  const failures = []
  for (const [name, command] of Object.entries(checks)) {
    if (check(name, command)) sum.passed++
    else {
      sum.failed++
      failures.push(name)
    }
  }
  const tests = runTests([])
  for (const outcome of Object.keys(sum)) sum[outcome] += tests[outcome]
  if (tests.failed > 0) failures.push('tests')

  if (failures.length > 0) console.log(`\nfailed: ${failures.join(', ')}`)
  const skipped = sum.skipped > 0 ? `, ${sum.skipped} skipped` : ''
  console.log(`\n${sum.passed} passed, ${sum.failed} failed${skipped}`)
  process.exitCode = sum.failed > 0 ? 1 : 0
}

function check(name, [command, ...args]) {
  const startedAt = performance.now()
  const child = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 })
  const passed = child.status === 0
  console.log(`${passed ? '✓' : '✗'} ${name} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`)
  if (!passed) console.log(child.error?.message ?? child.stdout + child.stderr)
  return passed
}

/** All tests of all projects in one run, so that they share their servers. */
function runTests(args) {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-verify-'))
  const report = path.join(folder, 'report.json')
  try {
    const child = spawnSync(
      'vitest',
      ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...args],
      {
        stdio: 'inherit',
      },
    )
    const counts = readCounts(report)
    // A file that cannot be loaded, or an error outside a test, fails the run and no test.
    return child.status === 0 || counts.failed > 0 ? counts : { ...counts, failed: 1 }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function readCounts(report) {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(readFileSync(report, 'utf8'))
    return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests + numTodoTests }
  } catch {
    return { passed: 0, failed: 0, skipped: 0 }
  }
}
