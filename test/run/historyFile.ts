import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Client } from '@temporalio/client'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'

export const historiesFolder = path.resolve(import.meta.dirname, '../histories')

/**
 * Keeps the history of each execution of a run (it may have continued as new) for replay.test.ts. Only where
 * SLUICE_RECORD_HISTORIES is set: what released code wrote must stay as it is, so that changed code is held to it.
 */
export async function recordHistory(client: Client, workflowId: string, name: string): Promise<void> {
  if (!process.env.SLUICE_RECORD_HISTORIES) return
  await mkdir(historiesFolder, { recursive: true })
  let runId: string | undefined
  const histories = []
  for await (const execution of client.workflow.list({ query: `WorkflowId = '${workflowId}'` }))
    histories.push(execution)
  histories.sort((a, b) => a.startTime.getTime() - b.startTime.getTime())
  for (const [index, execution] of histories.entries()) {
    runId = execution.runId
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory()
    const file = path.join(historiesFolder, `${name}${histories.length > 1 ? `-${index + 1}` : ''}.json`)
    await writeFile(file, `${JSON.stringify(JSON.parse(historyToJSON(history), withoutThisMachine))}\n`)
  }
}

/** Names of hosts and paths in stack traces. */
function withoutThisMachine(key: string, value: unknown): unknown {
  if (key === 'stackTrace') return ''
  if (key === 'identity' && typeof value === 'string') return 'worker'
  // The name of a worker's own task queue.
  if (key === 'name' && typeof value === 'string') return value.replace(/^\d+@.*-/, 'sticky-')
  return value
}
