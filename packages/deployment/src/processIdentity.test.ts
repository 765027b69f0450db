import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { identifyProcess, isAlive } from './processIdentity.ts'

test('a process is known by pid and start, and is gone when it ended', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  const identity = identifyProcess(child.pid!)!
  expect(isAlive(identity)).toBe(true)
  expect(isAlive({ ...identity, started: 'another time' })).toBe(false)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(isAlive(identity)).toBe(false)
})
