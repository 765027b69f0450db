import { sameSignalMs } from '@sluice/deployment/stopSignals'
import { afterEach, expect, test, vi } from 'vitest'
import { Session } from './session.ts'

afterEach(() => vi.restoreAllMocks())

test('a Ctrl-C that comes twice, from terminal and launcher, counts once; a later one ends the process', () => {
  const exit = vi.spyOn(process, 'exit').mockReturnValue(undefined as never)
  const clock = vi.spyOn(performance, 'now').mockReturnValue(5_000)
  const { interrupt } = new Session({ SLUICE_HOME: '/nowhere' }, { json: false })
  expect(interrupt.aborted).toBe(false)
  process.emit('SIGINT', 'SIGINT')
  process.emit('SIGINT', 'SIGINT')
  expect(interrupt.aborted).toBe(true)
  expect(exit).not.toHaveBeenCalled()
  clock.mockReturnValue(5_000 + sameSignalMs + 1)
  process.emit('SIGINT', 'SIGINT')
  expect(exit).toHaveBeenCalledExactlyOnceWith(130)
})
