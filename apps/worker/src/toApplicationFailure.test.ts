import { type FaultCode, faults, SluiceError } from '@sluice/core/faults'
import { describe, expect, test } from 'vitest'
import { framesOf, toApplicationFailure } from './toApplicationFailure.ts'

describe('§7: retries by kind of fault', () => {
  test.each(Object.entries(faults))('%s', (code, { remedyBy }) => {
    const failure = toApplicationFailure(new SluiceError(code as FaultCode, '(x)'), 1)
    expect(failure.type).toBe(code)
    expect(failure.nonRetryable).toBe(remedyBy === 'person' || code === 'stage_corrupt')
    expect(failure.details).toEqual([
      { code, sentence: `${faults[code as FaultCode].sentence} (x)`, remedy: faults[code as FaultCode].remedy },
    ])
  })

  test('what time mends is retried however often it failed', () => {
    expect(toApplicationFailure(new SluiceError('source_unavailable'), 1000).nonRetryable).toBe(false)
  })

  test.each([
    [1, false],
    [4, false],
    [5, true],
    [9, true],
  ])('an error that nobody foresaw, attempt %i', (attempt, nonRetryable) => {
    expect(toApplicationFailure(new Error('…'), attempt).nonRetryable).toBe(nonRetryable)
    expect(toApplicationFailure(new SluiceError('internal'), attempt).nonRetryable).toBe(nonRetryable)
  })
})

describe('no row passes', () => {
  const row = 'Secret Name Ltd'
  test.each([
    ['an error', new TypeError(`bad ${row}`)],
    ['its cause', new SluiceError('store_conflict', undefined, { cause: new Error(row) })],
    ['a value that is no error', { name: row }],
    ['a string', row],
    ['an odd code', Object.assign(new Error(row), { code: row })],
  ])('%s', (_, error) => {
    const failure = toApplicationFailure(error, 1)
    expect(
      JSON.stringify([failure.message, failure.type, failure.details, failure.stack, failure.cause]),
    ).not.toContain('Secret')
    expect(framesOf(error).join()).not.toContain('Secret')
  })

  test('the class and a code of the system do', () => {
    expect(toApplicationFailure(Object.assign(new Error(), { code: 'EMFILE' }), 1).message).toContain('(Error EMFILE)')
  })
})
