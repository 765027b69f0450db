import type { RunView } from '@sluice/control/runs/watchRun'
import type { RunReport } from '@sluice/core/run/runReport'
import type { Command } from 'commander'
import { noun, verb, wholeNumber, withSession } from '../command.ts'
import { exitCodeOf } from '../exitCode.ts'
import { write, writeJson } from '../output/answer.ts'
import { followRun } from '../output/followRun.ts'
import { reportText } from '../output/reportText.ts'
import { table } from '../output/table.ts'
import type { Session } from '../session.ts'

export function run(): Command {
  const group = noun('run', { summary: 'runs of syncs', example: 'run list --limit 5' })

  verb(group, 'list', { summary: 'list runs, newest first', example: 'run list --sync crm-accounts --limit 5' })
    .option('--sync <sync>', 'of this sync only')
    .option('--limit <n>', 'how many at most', wholeNumber(1, 100_000), 20)
    .action(
      withSession(async (session, options: { sync?: string; limit: number }) => {
        const { readRuns, withUrl } = await import('@sluice/control/runs/readRuns')
        const runs = (await readRuns(await session.store(), options)).map((report) => withUrl(report, session.ui))
        if (session.json) return write(runs.map((report) => `${JSON.stringify(report)}\n`).join(''))
        await write(
          table(
            ['STARTED', 'SYNC', 'KIND', 'STATUS', 'READ', 'CREATED', 'UPDATED', 'DELETED', 'REJECTED', 'RUN'],
            runs.map(({ started_at, sync, kind, status, rows, run_id }) => [
              started_at,
              sync,
              kind,
              status,
              rows.read,
              rows.created,
              rows.updated,
              rows.deleted,
              rows.rejected,
              run_id,
            ]),
          ),
        )
      }),
    )

  verb(group, 'show <run>', {
    summary: 'show the report of a run',
    example: 'run show 0190c5b2-3f6e-7c1a-9d0e-5b7f3c2a1d4e',
  }).action(
    withSession(async (session, runId: string) => {
      const { showRun, withUrl } = await import('@sluice/control/runs/readRuns')
      const report = withUrl(await showRun(await session.store(), runId), session.ui)
      if (session.json) return writeJson(report)
      await write(reportText(report, report.status === 'paused' ? await pauseOf(session, report) : undefined))
    }),
  )

  verb(group, 'watch <run>', {
    summary: 'watch a run until it ends; exits as the run does',
    example: 'run watch 0190c5b2-3f6e-7c1a-9d0e-5b7f3c2a1d4e',
  }).action(
    withSession(async (session, runId: string) => {
      const { findRun, withUrl } = await import('@sluice/control/runs/readRuns')
      const { watchRun } = await import('@sluice/control/runs/watchRun')
      const services = await session.services()
      const views = watchRun(services, await findRun(services, runId), session.interrupt)
      if (!session.json) {
        const report = withUrl(await followRun(views), session.ui)
        await write(reportText(report))
        return exitCodeOf(report.status)
      }
      for (;;) {
        const { done, value } = await views.next()
        await writeJson(done ? withUrl(value, session.ui) : value)
        if (done) return exitCodeOf(value.status)
      }
    }),
  )
  return group
}

async function pauseOf(session: Session, { workflow_id }: RunReport): Promise<RunView['paused']> {
  const { askProgress } = await import('@sluice/control/runs/askProgress')
  try {
    return (await askProgress(await session.temporal(), workflow_id))?.paused
  } catch {
    // The store has told the rest: a Temporal that is down is no reason to keep it back.
    return undefined
  }
}
