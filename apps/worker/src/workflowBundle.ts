import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { bundleWorkflowCode, type Logger, type WorkflowBundleOption } from '@temporalio/worker'

/** Written by the build (buildWorkflowBundle.ts), beside the built worker. */
export const builtBundlePath = fileURLToPath(new URL('./workflows.bundle.js', import.meta.url))

/** The workflow code as one file: the built one if there is one, else made now (some seconds), from the sources in tests. */
export async function workflowBundle(logger?: Logger): Promise<WorkflowBundleOption> {
  if (existsSync(builtBundlePath)) return { codePath: builtBundlePath }
  return await bundleWorkflows(logger)
}

export async function bundleWorkflows(logger?: Logger): Promise<{ code: string }> {
  const fromSource = import.meta.url.endsWith('.ts')
  return await bundleWorkflowCode({
    workflowsPath: fileURLToPath(import.meta.resolve('@sluice/workflows/workflows')),
    payloadConverterPath: fileURLToPath(import.meta.resolve('@sluice/workflows/payloadConverter')),
    ...(logger && { logger }),
    webpackConfigHook: (config) => ({
      ...config,
      resolve: {
        ...config.resolve,
        conditionNames: [...(fromSource ? ['sluice-source'] : []), 'import', 'require', 'default'],
      },
    }),
  })
}
