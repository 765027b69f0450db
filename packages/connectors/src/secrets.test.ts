import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { resolveSecret, resolveText } from './secrets.ts'

function file(content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-secret-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'secret')
  writeFileSync(path, content)
  return path
}

test('a secret comes from the environment or from a file, without the line break at its end', () => {
  expect(resolveSecret({ env: 'A' }, { A: ' hunter2\n' }).reveal()).toBe(' hunter2\n')
  expect(resolveSecret({ file: file('hunter2\n') }, {}).reveal()).toBe('hunter2')
  expect(resolveSecret({ file: file(' a\nb\r\n') }, {}).reveal()).toBe(' a\nb')
})

test('a secret never prints', () => {
  const secret = resolveSecret({ env: 'A' }, { A: 'hunter2' })
  for (const printed of [
    `${secret}`,
    String(secret),
    JSON.stringify({ secret }),
    inspect({ secret }, { depth: 5, showHidden: true }),
  ]) {
    expect(printed).toContain('[secret]')
    expect(printed).not.toContain('hunter2')
  }
})

test('a secret that is not there is told by where it should be', () => {
  const missing = (ref: { env: string } | { file: string }, words: string) =>
    expect(() => resolveSecret(ref, { EMPTY: '' })).toThrow(
      expect.objectContaining({ code: 'secret_missing', message: expect.stringContaining(words) }),
    )
  missing({ env: 'NOPE' }, 'NOPE is not set')
  missing({ env: 'EMPTY' }, 'EMPTY is empty')
  missing({ file: '/no/such' }, '/no/such cannot be read (ENOENT)')
  const empty = file('\n')
  missing({ file: empty }, `${empty} is empty`)
})

test('an option is text, or is found as a secret is', () => {
  expect([resolveText('db', {}), resolveText({ env: 'A' }, { A: 'db' })]).toEqual(['db', 'db'])
})
