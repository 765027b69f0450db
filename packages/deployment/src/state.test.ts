import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { homeOf, makeHome } from './home.ts'
import { lockHome } from './homeLock.ts'
import { readState, writeState } from './state.ts'

function folder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-state-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

test('a state is read as it was written', () => {
  const home = homeOf(folder())
  const state = {
    ports: { postgres: 15_432 },
    up: { process: { pid: 1, started: 'then' }, startedAt: '2026-01-01T00:00:00.000Z', env: { SLUICE_STAGE: 'x' } },
  }
  writeState(home, state)
  expect(readState(home)).toEqual(state)
})

test.each([
  '',
  'null',
  '[]',
  '{}',
  '{"ports":{"postgres":"a"}}',
  '{"ports":{},"up":{}}',
  '{"ports":{},"up":{"process":{"pid":1,"started":"x"},"env":{"A":1}}}',
])('%j is no state', (text) => {
  const home = homeOf(folder())
  writeFileSync(home.state, text)
  expect(readState(home)).toEqual({ ports: {} })
})

test('a home that cannot be used is named, with the reason', () => {
  const file = path.join(folder(), 'file')
  writeFileSync(file, '')
  const home = homeOf(path.join(file, 'home'))
  for (const use of [() => makeHome(home), () => lockHome(home), () => readState(home)])
    expect(use).toThrow(
      expect.objectContaining({
        code: 'home_unusable',
        message: expect.stringContaining(`SLUICE_HOME is ${home.folder}. ENOTDIR`),
      }),
    )
})

test('a state that cannot be written is told as a home that cannot be used', () => {
  const home = homeOf(folder())
  mkdirSync(path.join(home.state, 'in the way'), { recursive: true })
  expect(() => writeState(home, { ports: {} })).toThrow(expect.objectContaining({ code: 'home_unusable' }))
})
