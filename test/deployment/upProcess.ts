import path from 'node:path'
import { SluiceError } from '@sluice/core/faults'
import { listenForStopSignals } from '@sluice/deployment/stopSignals'
import { type Deployment, startDeployment } from '@sluice/deployment/up'

// An `up` in a process of its own, which tests may kill: `node upProcess.ts HOME`.
const signals = listenForStopSignals()
let deployment: Deployment
try {
  deployment = await startDeployment({
    home: process.argv[2]!,
    env: process.env,
    say: (line) => console.log(line),
    prepare: async () => ({ EXTRA: 'from prepare' }),
    workerCommand: { command: process.execPath, args: [path.join(import.meta.dirname, 'dummyWorker.mjs')] },
  })
} catch (error) {
  console.log(error instanceof SluiceError ? `${error.code} ${error.detail}` : error)
  process.exit(3)
}
console.log('up')
signals.stop.addEventListener('abort', async () => {
  await deployment.stop(signals.hurry)
  signals.release()
})
