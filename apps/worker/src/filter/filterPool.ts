import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { SluiceError } from '@sluice/core/faults'
import type { SchemaFilterResult } from '@sluice/workflows/activities'
import { Piscina } from 'piscina'
import type { FilterAnswer, FilterTask } from './filterTask.ts'

/** Threads for the filter, so that the main thread only moves bytes and talks to Temporal. */
export interface FilterPool {
  /** @throws SluiceError `stage_corrupt` and the stage's other faults */
  filter(task: FilterTask): Promise<SchemaFilterResult>
  close(): Promise<void>
}

/** One thread a core, less the one that the main thread needs. */
export const filterThreads = Math.max(1, availableParallelism() - 1)

export function openFilterPool(options: { stageUri: string }): FilterPool {
  // From the sources (in tests) the thread, too, runs the sources: Node strips the types.
  const fromSource = import.meta.url.endsWith('.ts')
  const pool = new Piscina<FilterTask, FilterAnswer>({
    filename: fileURLToPath(new URL(fromSource ? './filterThread.ts' : './filterThread.js', import.meta.url)),
    minThreads: 1,
    maxThreads: filterThreads,
    idleTimeout: 60_000,
    workerData: { stageUri: options.stageUri },
    // Nothing of the main thread's own flags (--eval of a test runner, say) is taken over.
    execArgv: fromSource ? ['--conditions=sluice-source', '--disable-warning=ExperimentalWarning'] : [],
  })
  return {
    async filter(task) {
      const answer = await pool.run(task)
      if ('result' in answer) return answer.result
      throw new SluiceError(answer.fault.code, answer.fault.detail)
    },
    close: () => pool.close({ force: true }),
  }
}
