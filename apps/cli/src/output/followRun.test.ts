import type { RunView } from '@sluice/control/runs/watchRun'
import type { RunReport } from '@sluice/core/run/runReport'
import { afterEach, expect, test, vi } from 'vitest'
import { followRun } from './followRun.ts'

afterEach(() => vi.restoreAllMocks())

async function told(views: Omit<RunView, 'run_id' | 'sync'>[]): Promise<string[]> {
  let talk = ''
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    talk += text
    return true
  })
  async function* run(): AsyncGenerator<RunView, RunReport> {
    for (const view of views) yield { run_id: 'r', sync: 'crm', ...view }
    return {} as RunReport
  }
  await followRun(run())
  return talk
    .replace(/\u001b\[\d*\w/g, '')
    .split('\n')
    .filter(Boolean)
}

test('why a run waits is told once, then only attempts, until the reason is another', async () => {
  const down = { sentence: 'The store cannot be reached. Nothing to do.', next_attempt_at: 'soon' }
  expect(
    await told([
      { waiting: { ...down, attempt: 1 } },
      {},
      { waiting: { ...down, attempt: 2 } },
      { waiting: { ...down, attempt: 2, next_attempt_at: 'a bit later' } },
      { waiting: { sentence: 'No worker answers.' } },
      {},
    ]),
  ).toEqual([
    'waiting (attempt 1 failed): The store cannot be reached. Nothing to do. Next attempt at soon.',
    'goes on',
    'still waiting (attempt 2 failed). Next attempt at soon.',
    'waiting: No worker answers.',
    'goes on',
  ])
})

test('a pause is told with who, since when, why, and the command that ends it', async () => {
  const paused = { by: 'ops', since: '2026-01-01T00:00:00.000Z', reason: 'new fields' }
  expect(await told([{ phase: 'paused', paused }])).toEqual([
    'paused by ops since 2026-01-01T00:00:00.000Z: new fields. It goes on with `sluice sync resume crm`.',
  ])
})
