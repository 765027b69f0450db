import { spawn } from 'node:child_process'
import path from 'node:path'
import { Refusal } from '@sluice/control/refusal'
import type { Command } from 'commander'
import { verb, withSession } from '../command.ts'
import { exitCode } from '../exitCode.ts'

const needed = ['SLUICE_STORE_URL', 'TEMPORAL_ADDRESS', 'SLUICE_STAGE']
const builtWorker = path.resolve(import.meta.dirname, '../../../worker/dist/main.js')

export function addWorker(root: Command): void {
  verb(root, 'worker', { summary: 'run a worker in the foreground, for production', example: 'worker' }).action(
    withSession(async (session) => {
      const missing = needed.filter((name) => !session.env[name])
      if (missing.length > 0)
        throw new Refusal('wrong_usage', 'variable_missing', {
          sentence: `A worker needs ${needed.join(', ')}; not set: ${missing.join(', ')}.`,
          remedy:
            'Set them as for the commands and every other worker: docs/operating.md says how. On one machine `./sluice up` starts a worker by itself.',
        })
      const worker = spawn(process.execPath, ['--enable-source-maps', builtWorker], {
        env: session.env,
        stdio: 'inherit',
      })
      // A terminal sends Ctrl-C to both; a service manager tells this process alone.
      process.on('SIGTERM', () => worker.kill('SIGTERM'))
      process.on('SIGINT', () => {})
      return new Promise<number>((resolve, reject) => {
        worker.once('error', reject)
        worker.once('exit', (code) => resolve(code ?? exitCode.interrupted))
      })
    }),
  )
}
