import { spawn } from 'node:child_process'
import path from 'node:path'
import { SluiceError } from '@sluice/core/faults'
import type { Command } from 'commander'
import { verb, withSession } from '../command.ts'
import { exitCode } from '../exitCode.ts'

const builtWorker = path.resolve(import.meta.dirname, '../../../worker/dist/main.js')

export function addWorker(root: Command): void {
  verb(root, 'worker', { summary: 'run a worker in the foreground, for production', example: 'worker' }).action(
    withSession(async (session) => {
      if (!session.env.SLUICE_STORE_URL || !session.env.TEMPORAL_ADDRESS) throw new SluiceError('deployment_missing')
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
