import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { readLease } from '@sluice/account-store/lease'
import type { SyncRunResult } from '@sluice/workflows/syncRunInput'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { expect } from 'vitest'
import { applyOneByOne, type OracleAccount } from '../store/accountOracle.ts'
import { checkBooks, type FinalState, readFinalState, writesOf } from './finalState.ts'
import { type CrashOptions, type SluiceUnderCrash, sluiceUnderCrash, sync } from './sluiceUnderCrash.ts'
import type { SourceTable } from './sourceTable.ts'

/**
 * Runs the sync to its end under a disturbance, then looks at everything that must not show it. Where something does, the
 * folder is kept, with what is needed to look into it.
 * @param disturb has a worker left when it answers
 * @param expected the state that an undisturbed run left behind
 */
export async function withstand(
  options: CrashOptions,
  disturb: (sluice: SluiceUnderCrash) => Promise<SyncRunResult>,
  expected?: FinalState,
): Promise<FinalState> {
  const sluice = await sluiceUnderCrash(options)
  try {
    expect(await disturb(sluice)).toMatchObject({ outcome: 'finished', status: 'partial' })
    // Before the following run, which would put it right.
    expect(await readLease(sluice.store, sync), '§7 the lease is free').toBeUndefined()
    const { rows: runs } = await sluice.store.query('select status from sluice.run')
    expect(runs, 'the run has ended').toEqual([{ status: 'partial' }])
    const state = await readFinalState(sluice.store)
    if (expected) expectSame(state, expected)
    const writes = await writesOf(sluice.store)
    const following = await sluice.startRun()
    expect(await following.result(), 'the following run').toMatchObject({ outcome: 'finished', status: 'partial' })
    await checkBooks(sluice.store, { sync, stageFolder: sluice.stageFolder })
    expect(await writesOf(sluice.store), 'the following run writes nothing').toBe(writes)
    expectSame(await readFinalState(sluice.store), state)
    await sluice.stop()
    return state
  } catch (error) {
    await keepEvidence(sluice, error)
    await sluice.stop({ keep: true })
    process.stderr.write(`Kept: ${sluice.folder}\n`)
    throw error
  }
}

/** §4, by the slow oracle: what applying the rows one by one gives. */
export function expectOneByOne(state: FinalState, { good }: SourceTable): void {
  const expected = new Map<string, OracleAccount>()
  applyOneByOne(expected, good, false)
  const byBytes = (x: OracleAccount, y: OracleAccount) => Buffer.compare(Buffer.from(x.id), Buffer.from(y.id))
  expect(firstDifference(state.accounts, [...expected.values()].sort(byBytes)), 'accounts').toBeUndefined()
}

function expectSame(state: FinalState, expected: FinalState): void {
  expect(firstDifference(state.accounts, expected.accounts), 'accounts').toBeUndefined()
  expect(firstDifference(state.quarantine, expected.quarantine), 'quarantine').toBeUndefined()
  expect(state.watermark, 'watermark').toEqual(expected.watermark)
}

/** One row, not a diff of thousands of lines. */
function firstDifference<T>(
  actual: T[],
  expected: T[],
): { actual: T | undefined; expected: T | undefined } | undefined {
  for (let i = 0; i < Math.max(actual.length, expected.length); i++)
    if (!isDeepStrictEqual(actual[i], expected[i])) return { actual: actual[i], expected: expected[i] }
  return undefined
}

/** The tables of the store and the histories of the runs, beside the workers' logs. A server that is gone adds nothing. */
async function keepEvidence({ folder, store, client }: SluiceUnderCrash, error: unknown): Promise<void> {
  const keep = (name: string, text: string) => writeFile(path.join(folder, name), text)
  await keep('failure.txt', error instanceof Error ? `${error.stack}` : String(error))
  for (const table of ['account', 'quarantine', 'watermark', 'run', 'batch', 'sync', 'usage'])
    await store
      .query(`select t.* from sluice.${table} t`)
      .then(({ rows }) => keep(`${table}.jsonl`, rows.map((row) => `${JSON.stringify(row)}\n`).join('')))
      .catch(() => {})
  try {
    for await (const { workflowId, runId } of client.workflow.list())
      await keep(
        `history-${runId}.json`,
        historyToJSON(await client.workflow.getHandle(workflowId, runId).fetchHistory()),
      )
  } catch {}
}
