import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Home, homeOf } from './home.ts'
import { lockHome } from './homeLock.ts'

let home: Home

beforeEach(() => {
  home = homeOf(mkdtempSync(path.join(tmpdir(), 'sluice-lock-')))
})

afterEach(() => {
  rmSync(home.folder, { recursive: true })
})

test('a home is taken once, and again when it was given back', () => {
  const unlock = lockHome(home)
  expect(() => lockHome(home)).toThrow(`process ${process.pid}`)
  unlock()
  lockHome(home)()
})

test('a holder that was killed loses the home, also when its pid is another process by now', () => {
  mkdirSync(home.lock)
  writeFileSync(path.join(home.lock, `${process.pid}.an%2Fearlier%2Ftime`), '')
  lockHome(home)()
})

test('a lock that was left empty is taken', () => {
  mkdirSync(home.lock)
  lockHome(home)()
})
