import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { parseConfiguration } from '@sluice/control/config/parseConfiguration'
import { applyConfiguration, planConfiguration } from '@sluice/control/deployment/applyConfiguration'
import { findOpenRun } from '@sluice/control/runs/findOpenRun'
import { readQuarantine } from '@sluice/control/runs/readQuarantine'
import { readRuns, withUrl } from '@sluice/control/runs/readRuns'
import { startRun } from '@sluice/control/runs/startRun'
import { watchRun } from '@sluice/control/runs/watchRun'
import type { Services } from '@sluice/control/services'
import type { TemporalUi } from '@sluice/control/temporal/temporalUrl'
import type { RunReport } from '@sluice/core/run/runReport'
import { say, write, writeJson } from '../output/answer.ts'
import { followRun } from '../output/followRun.ts'
import { printable } from '../output/printable.ts'
import { reportText } from '../output/reportText.ts'
import { table } from '../output/table.ts'
import { makeWave, type Wave } from './warehouse.ts'

const configuration = path.resolve(import.meta.dirname, '../../../../demo/sluice.yaml')
const sync = 'demo-accounts'

interface Tour {
  services: Services
  storeUrl: string
  ui: TemporalUi | undefined
  by: string
  json: boolean
  signal: AbortSignal
}

/**
 * The demo: applies demo/sluice.yaml and runs its sync; a first time over the whole table and then over a wave of changes,
 * later over another, smaller wave. Answers the last report; none when its sync is not deployed.
 */
export async function demoTour(tour: Tour): Promise<RunReport | undefined> {
  if (!(await applyDemo(tour))) {
    say(`The sync ${sync} is not deployed: there is no demo to show. SLUICE_HOME names another home for it.`)
    return undefined
  }
  await finishEarlierRun(tour)
  const first = (await readRuns(tour.services.store, { sync, limit: 1 })).length === 0
  if (first) {
    const report = await runOnce(tour, 'The first run reads the whole table.')
    if (report.status !== 'success' && report.status !== 'partial') return report
    await showQuarantine(tour)
  }
  const wave = await makeWave(tour.storeUrl, first ? 'large' : 'small')
  return runOnce(tour, `${waveText(wave)}\nAn incremental run reads only what is new.`)
}

/** Answers whether the demo's sync is deployed now, by this or an earlier start. */
async function applyDemo({ services, by }: Tour): Promise<boolean> {
  const wanted = parseConfiguration(await readFile(configuration), configuration, 'demo/sluice.yaml')
  const { changes, refusal } = await planConfiguration(services, wanted)
  // What people have applied of their own stays.
  if (
    changes.some(
      ({ action, what }) => action === 'remove' && (what === 'connection' || what === 'sync' || what === 'field'),
    )
  )
    say('demo/sluice.yaml is not applied: something else is deployed here, which it would remove.')
  else if (refusal) say(`demo/sluice.yaml is not applied: ${refusal.message}\n→ ${refusal.remedy}`)
  else {
    await applyConfiguration(services, wanted, { by, reason: 'demo' })
    if (changes.length > 0) say('applied demo/sluice.yaml')
    return true
  }
  return !changes.some(({ action, what, name }) => action === 'add' && what === 'sync' && name === sync)
}

/** A run outlives the `up` that started it: one that was under way when it ended goes on now. */
async function finishEarlierRun({ services, signal }: Tour): Promise<void> {
  const open = await findOpenRun(services, sync)
  if (open?.status !== 'running') return
  say(`the run ${open.runId} of an earlier start goes on; waiting for its end`)
  await followRun(watchRun(services, { sync, ...open }, signal))
}

async function runOnce({ services, ui, json, signal }: Tour, words: string): Promise<RunReport> {
  if (!json) await write(`\n${words}\n\n`)
  const report = withUrl(await followRun(watchRun(services, await startRun(services, sync), signal)), ui)
  await (json ? writeJson(report) : write(reportText(report)))
  return report
}

async function showQuarantine({ services, json }: Tour): Promise<void> {
  if (json) return
  const { rows } = await readQuarantine(services.store, { sync, limit: 20 })
  if (rows.length === 0) return
  await write(
    `\nNothing is lost: the rejected rows are in quarantine, each with the reason.\n${table(
      ['ID', 'CODE', 'WHY'],
      rows.map((row) => [printable(row.id ?? ''), row.code, row.sentence]),
    )}`,
  )
  const timeless = rows.filter(({ code }) => code === 'missing_updated_at' || code === 'invalid_updated_at').length
  if (timeless > 0)
    await write(
      `${timeless} of them have no usable UPDATED_AT: every run reads them again and ends \`partial\` (exit code 4), until somebody mends them.\n`,
    )
}

function waveText({ changed, touched, added, removed, late, broken }: Wave): string {
  return `Meanwhile in the warehouse: ${changed} accounts changed, ${touched} were touched without a change, ${added} came, ${removed} went,
${late} were committed late at exactly the watermark, and ${broken} row is broken.`
}
