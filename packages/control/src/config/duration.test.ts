import { expect, test } from 'vitest'
import { formatByteSize, parseByteSize } from './byteSize.ts'
import { cronProblem } from './cron.ts'
import { formatDuration, parseDuration } from './duration.ts'

test.each([
  ['0s', 0],
  ['1500ms', 1500],
  ['90s', 90_000],
  ['10m', 600_000],
  ['1h', 3_600_000],
  ['1d', 86_400_000],
])('the duration %s is %d ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
  expect(parseDuration(formatDuration(ms))).toBe(ms)
})

test.each(['', '10', 'm', '-1m', '1.5h', ' 1m', '1m ', '1M', '1w', '999999999999d'])('%j is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined()
})

test.each([
  ['16MiB', 16_777_216],
  ['1KiB', 1024],
  ['5B', 5],
  ['0B', 0],
])('the size %s is %d bytes', (text, bytes) => {
  expect(parseByteSize(text)).toBe(bytes)
  expect(formatByteSize(bytes)).toBe(text)
})

test.each(['', '16', '16MB', '16mib', '-1KiB', '999999999999TiB'])('%j is no size', (text) => {
  expect(parseByteSize(text)).toBeUndefined()
})

test.each(['0 6 * * 1-5', '*/15 * * * *', '0 0 1 jan *', '5,10-20/5 0-23/2 1,15 * sun', '0 6 * * 7'])(
  'the cron line %j is right',
  (text) => {
    expect(cronProblem(text)).toBeUndefined()
  },
)

test.each([
  '',
  '* * * *',
  '* * * * * *',
  '60 * * * *',
  '* 24 * * *',
  '* * 0 * *',
  '* * * 13 *',
  '* * * * 8',
  '5-1 * * * *',
  '*/0 * * * *',
  'a * * * *',
  '@daily',
])('the cron line %j is wrong', (text) => {
  expect(cronProblem(text)).toEqual(expect.any(String))
})
