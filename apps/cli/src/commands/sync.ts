import type { SyncHold } from '@sluice/control/runs/holdSync'
import type { Command } from 'commander'
import { noun, verb, wholeNumber, withSession } from '../command.ts'
import { exitCode, exitCodeOf } from '../exitCode.ts'
import { say, write, writeJson } from '../output/answer.ts'
import { followRun } from '../output/followRun.ts'
import { previewText } from '../output/previewText.ts'
import { printable } from '../output/printable.ts'
import { reportText } from '../output/reportText.ts'
import { table } from '../output/table.ts'
import { timestampText } from '../output/timestampText.ts'

export function sync(): Command {
  const group = noun('sync', {
    summary: 'paths from a table, view or files to the account store',
    example: 'sync run crm-accounts --wait',
  })

  verb(group, 'list', { summary: 'list syncs with their schedule and last run', example: 'sync list' }).action(
    withSession(async (session) => {
      const { listSyncs } = await import('@sluice/control/deployment/readSyncs')
      const syncs = await listSyncs(await session.services())
      if (session.json) return write(syncs.map((one) => `${JSON.stringify(one)}\n`).join(''))
      await write(
        table(
          ['SYNC', 'CONNECTION', 'SCHEDULE', 'NEXT RUN', 'LAST RUN', 'STATUS', 'WATERMARK'],
          syncs.map(({ sync, connection, schedule, last_run, watermark }) => [
            sync,
            connection,
            schedule ? `${schedule.times}${schedule.paused ? ' (paused)' : ''}` : 'by hand',
            schedule?.next_run_at,
            last_run?.started_at,
            last_run?.status,
            watermark && timestampText(watermark),
          ]),
        ),
      )
    }),
  )

  verb(group, 'show <sync>', {
    summary: 'show a sync with all its settings',
    example: 'sync show crm-accounts',
  }).action(
    withSession(async (session, name: string) => {
      const { showSync } = await import('@sluice/control/deployment/readSyncs')
      const found = await showSync(await session.services(), name)
      if (session.json) return writeJson(found)
      const { schedule, last_run } = found
      const facts = {
        sync: found.sync,
        connection: found.connection,
        ...found.source,
        schedule: schedule ? schedule.times : 'none: started by hand',
        ...(schedule?.paused && { paused: schedule.note ?? 'yes' }),
        ...(schedule?.next_run_at && { 'next run': schedule.next_run_at }),
        ...(!('prefix' in found.source) && {
          watermark: found.watermark === undefined ? 'none yet' : timestampText(found.watermark),
        }),
        'last run': last_run ? `${last_run.status}, ${last_run.started_at}, ${last_run.run_id}` : 'none yet',
        ...found.settings,
      }
      const width = Math.max(...Object.keys(facts).map((key) => key.length))
      await write(
        Object.entries(facts)
          .map(([key, value]) => `${key.padEnd(width)}  ${printable(value)}\n`)
          .join(''),
      )
    }),
  )

  verb(group, 'run <sync>', { summary: 'start a run now', example: 'sync run crm-accounts --wait' })
    .option('--wait', 'wait for its end, show its report, and exit as the run does')
    .action(
      withSession(async (session, name: string, { wait }: { wait?: boolean }) => {
        const { startRun } = await import('@sluice/control/runs/startRun')
        const { withUrl } = await import('@sluice/control/runs/readRuns')
        const { temporalUrl } = await import('@sluice/control/temporal/temporalUrl')
        const services = await session.services()
        const started = await startRun(services, name)
        const url = temporalUrl(session.ui, started)
        if (!wait) {
          if (session.json)
            return writeJson({
              run_id: started.runId,
              sync: name,
              workflow_id: started.workflowId,
              ...(url !== undefined && { temporal_url: url }),
            })
          return write(`Started the run ${started.runId} of ${name}.\nWatch it: sluice run watch ${started.runId}\n`)
        }
        say(`Started the run ${started.runId} of ${name}.${url === undefined ? '' : ` ${url}`}`)
        const { watchRun } = await import('@sluice/control/runs/watchRun')
        const { interrupt } = session
        try {
          const report = withUrl(await followRun(watchRun(services, started, interrupt)), session.ui)
          // Its address was told at the start.
          const { temporal_url: _, ...rest } = report
          await (session.json ? writeJson(report) : write(reportText(rest)))
          return exitCodeOf(report.status)
        } catch (error) {
          if (interrupt.aborted)
            say(
              `The run goes on without you. Watch it: sluice run watch ${started.runId}. Stop it: sluice sync cancel ${name}`,
            )
          throw error
        }
      }),
    )

  verb(group, 'preview <sync>', {
    summary: 'show what the next run would do to the first rows; writes nothing',
    example: 'sync preview crm-accounts --rows 20',
  })
    .option('--rows <n>', 'how many rows', wholeNumber(1, 100), 20)
    .action(
      withSession(async (session, name: string, { rows }: { rows: number }) => {
        const { previewSync } = await import('@sluice/control/sources/previewSync')
        const preview = await previewSync(
          await session.store(),
          { sync: name, rows, env: session.env },
          session.interrupt,
        )
        await (session.json ? writeJson(preview) : write(previewText(preview)))
      }),
    )

  verb(group, 'pause <sync>', {
    summary: 'pause a sync: its schedule, and a run in progress, which stops at the next batch',
    example: 'sync pause crm-accounts --reason "new fields"',
  })
    .requiredOption('--reason <text>', 'why: people see it in the schedule and in the run')
    .action(
      withSession(async (session, name: string, { reason }: { reason: string }) => {
        const { pauseSync } = await import('@sluice/control/runs/holdSync')
        say(`pausing ${name}; Ctrl-C ends the waiting, not the pause`)
        const hold = await pauseSync(await session.services(), name, { reason, by: session.by }, session.interrupt)
        await (session.json ? writeJson(hold) : write(pausedText(hold)))
      }),
    )

  verb(group, 'resume <sync>', { summary: 'let a paused sync go on', example: 'sync resume crm-accounts' }).action(
    withSession(async (session, name: string) => {
      const { resumeSync } = await import('@sluice/control/runs/holdSync')
      const hold = await resumeSync(await session.services(), name, session.by)
      await (session.json ? writeJson(hold) : write(resumedText(hold)))
    }),
  )

  verb(group, 'cancel <sync>', {
    summary: 'end the run in progress; what it committed stands',
    example: 'sync cancel crm-accounts',
  }).action(
    withSession(async (session, name: string) => {
      const { cancelRun } = await import('@sluice/control/runs/holdSync')
      const { withUrl } = await import('@sluice/control/runs/readRuns')
      const report = withUrl(await cancelRun(await session.services(), name, session.interrupt), session.ui)
      await (session.json ? writeJson(report) : write(reportText(report)))
      return exitCode.done
    }),
  )
  return group
}

function pausedText({ sync, schedule, run }: SyncHold): string {
  if (schedule === 'none' && !run) return `There is nothing to pause: ${sync} has no schedule and no run in progress.\n`
  const runs = run ? `its run ${run.run_id} stands still` : 'no run is in progress'
  return `${sync} is paused: ${schedule === 'none' ? '' : 'its schedule starts no run, and '}${runs}.\nIt goes on with: sluice sync resume ${sync}\n`
}

function resumedText({ sync, schedule, run }: SyncHold): string {
  if (schedule === 'none' && !run)
    return `There is nothing to resume: ${sync} has no schedule and no run in progress.\n`
  const goesOn = [...(schedule === 'none' ? [] : ['its schedule']), ...(run ? [`its run ${run.run_id}`] : [])]
  return `${sync} goes on: ${goesOn.join(' and ')}.${run ? '' : ' No run is in progress.'}\n`
}
