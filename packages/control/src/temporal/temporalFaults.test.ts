import { ServiceError } from '@temporalio/client'
import { expect, test } from 'vitest'
import { scheduleFault } from './temporalFaults.ts'

const answer = (code: number) => Object.assign(new Error('answer'), { code, details: 'no such zone', metadata: {} })

test.each([
  ['its client', new TypeError('no such zone')],
  ['the server', new ServiceError('Failed to create schedule', { cause: answer(3) })],
])('times that Temporal does not take are a fault of the configuration, told by %s', (_, error) => {
  expect(scheduleFault('crm', error)).toMatchObject({
    code: 'config_invalid',
    message: expect.stringContaining('`syncs.crm.schedule`: no such zone.'),
  })
})

test('any other answer stays as it is', () => {
  const error = new ServiceError('Failed to create schedule', { cause: answer(14) })
  expect(scheduleFault('crm', error)).toBe(error)
})
