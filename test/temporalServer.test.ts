import { searchAttributes } from '@sluice/workflows/names'
import { Client, Connection } from '@temporalio/client'
import { TypedSearchAttributes } from '@temporalio/common'
import { expect, test } from 'vitest'
import { describeOn } from './servers/address.ts'
import { testNamespace } from './servers/temporal.ts'

const describeOnTemporal = await describeOn('temporal')
describeOnTemporal('the Temporal of a test run', () => {
  test('interfaces §6: a namespace knows the search attributes at once', async () => {
    const { address, namespace, cli } = await testNamespace()
    const connection = await Connection.connect({ address })
    const client = new Client({ connection, namespace })
    const started = await client.workflow.start('nobody', {
      taskQueue: 'nobody',
      workflowId: 'one',
      typedSearchAttributes: new TypedSearchAttributes([
        { key: searchAttributes.sync, value: 'crm' },
        { key: searchAttributes.schemaVersion, value: 3 },
      ]),
    })
    await expect
      .poll(async () => JSON.parse(await cli('workflow', 'list', '--query', "SluiceSync = 'crm'", '--output', 'json')))
      .toHaveLength(1)
    await started.terminate()
    await connection.close()
  })
})
