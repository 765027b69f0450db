import { writeFile } from 'node:fs/promises'
import { DefaultLogger } from '@temporalio/worker'
import { builtBundlePath, bundleWorkflows } from './workflowBundle.ts'

/** The build's second step: a worker that finds the bundle starts about a second sooner. */
const { code } = await bundleWorkflows(new DefaultLogger('WARN'))
await writeFile(builtBundlePath, code)
