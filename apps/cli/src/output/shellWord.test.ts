import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { shellWord } from './shellWord.ts'

test.each(['ACME-1', "it's", '$(id) `id` "x" \\ !', '', "'"])('a shell reads %j as itself', (text) => {
  expect(execFileSync('sh', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' })).toBe(text)
})
