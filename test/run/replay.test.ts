import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { bundleWorkflows } from '@sluice/worker/workflowBundle'
import { Worker } from '@temporalio/worker'
import { beforeAll, describe, expect, test } from 'vitest'
import { historiesFolder } from './historyFile.ts'

const histories = existsSync(historiesFolder)
  ? readdirSync(historiesFolder).filter((file) => file.endsWith('.json'))
  : []

/** Runs that are under way, or paused for days, must go on under newer code. */
describe('workflow code replays the histories that earlier code wrote', () => {
  let workflowBundle: { code: string }
  beforeAll(async () => {
    workflowBundle = await bundleWorkflows()
  })

  test('there are histories', () => expect(histories.length).toBeGreaterThan(10))

  test.each(histories)('%s', async (file) => {
    const history = JSON.parse(readFileSync(path.join(historiesFolder, file), 'utf8'))
    await Worker.runReplayHistory({ workflowBundle }, history, 'sync/replay')
  })
})
