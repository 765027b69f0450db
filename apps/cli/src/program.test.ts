import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { program } from './program.ts'

function leaves(command: Command, path: string[] = []): [string, Command][] {
  if (command.commands.length === 0) return [[path.join(' '), command]]
  return command.commands.flatMap((inner) => leaves(inner, [...path, inner.name()]))
}

const commands = leaves(program())

test('the commands are those of the interfaces', () => {
  expect(commands.map(([name]) => name)).toEqual([
    'up',
    'worker',
    'plan',
    'apply',
    'schema show',
    'connection list',
    'connection test',
    'sync list',
    'sync show',
    'sync run',
    'sync preview',
    'sync pause',
    'sync resume',
    'sync cancel',
    'run list',
    'run show',
    'run watch',
    'quarantine list',
    'watermark show',
    'account get',
    'account list',
    'account export',
    'account count',
    'usage',
    'doctor',
  ])
})

test.each(commands)('sluice %s takes --json and shows an example of itself', (name, command) => {
  expect(command.options.map(({ long }) => long)).toContain('--json')
  let help = ''
  command
    .configureOutput({
      writeOut: (text) => {
        help += text
      },
    })
    .outputHelp()
  expect(help).toContain(`Example:\n  sluice ${name}`)
})
