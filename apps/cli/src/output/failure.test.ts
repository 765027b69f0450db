import { ConfigurationProblems } from '@sluice/control/config/problem'
import { Refusal } from '@sluice/control/refusal'
import { SluiceError } from '@sluice/core/faults'
import { CommanderError } from 'commander'
import { afterEach, expect, test, vi } from 'vitest'
import { fail } from './failure.ts'

afterEach(() => vi.restoreAllMocks())

function told(error: unknown, json: boolean): { exit: number; out: string; err: string } {
  let [out, err] = ['', '']
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text
    return true
  })
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += text
    return true
  })
  return { exit: fail(error, { json, debug: false }), out, err }
}

test.each<[exit: number, code: string, error: unknown]>([
  [3, 'object_missing', new SluiceError('object_missing')],
  [5, 'store_unavailable', new SluiceError('store_unavailable')],
  [6, 'store_quota', new SluiceError('store_quota')],
  [8, 'syncs_in_the_way', new Refusal('refused', 'syncs_in_the_way', { sentence: 'a', remedy: 'b' })],
  [2, 'run_missing', new Refusal('wrong_usage', 'run_missing', { sentence: 'a', remedy: 'b' })],
  [3, 'config_invalid', new ConfigurationProblems('sluice.yaml', [{ line: 1, path: 'a', sentence: 'b' }])],
  [2, 'wrong_usage', new CommanderError(1, 'commander.help', '(outputHelp)')],
  [1, 'internal', new TypeError('x is not a function')],
])('exit code %i for %s, as a document on standard output with --json', (exit, code, error) => {
  const json = told(error, true)
  expect(json.exit).toBe(exit)
  expect(json.err).toBe('')
  expect(JSON.parse(json.out).error).toMatchObject({ code, sentence: expect.any(String), remedy: expect.any(String) })
})

test('without --json: sentence, remedy and code on standard error, never a stack', () => {
  const { out, err } = told(new SluiceError('object_missing', 'It is called "a\u001b[2J".'), false)
  expect(out).toBe('')
  expect(err).toMatch(/^The table or view was not found.*\\u001b.*\n→ Check its name.*\n\[object_missing\]\n$/)
  expect(told(new TypeError('x'), false).err).not.toContain('    at ')
})
