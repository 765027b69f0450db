import type { Command } from 'commander'
import { expect, test, vi } from 'vitest'
import { program } from './program.ts'

function leaves(command: Command, path: string[] = []): [string, Command][] {
  if (command.commands.length === 0) return [[path.join(' '), command]]
  return command.commands.flatMap((inner) => leaves(inner, [...path, inner.name()]))
}

function groups(command: Command): Command[] {
  return [command, ...command.commands.filter(({ commands }) => commands.length > 0)]
}

function helpOf(command: Command): string {
  let help = ''
  command
    .configureOutput({
      writeOut: (text) => {
        help += text
      },
    })
    .outputHelp()
  return help
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
  expect(helpOf(command)).toContain(`Example:\n  sluice ${name}`)
})

test.each(groups(program()))('$_name shows an example of one of its commands', (group) => {
  const words = group.name() === 'sluice' ? [] : [group.name()]
  const examples = commands.map(([name]) => name).filter((name) => words.every((word) => name.startsWith(`${word} `)))
  const [, example] = /Example:\n {2}sluice (.+)/.exec(helpOf(group)) ?? []
  expect(examples.some((name) => example!.startsWith(name))).toBe(true)
})

test.each([
  [['sync', 'dance'], "Unknown command 'dance'.\n(Did you mean cancel?)", 'See `sluice sync --help`.'],
  [['sync', 'run'], "Missing required argument 'sync'.", 'See `sluice sync run --help`.'],
  [
    ['run', 'list', '--limt', '3'],
    "Unknown option '--limt'.\n(Did you mean --limit?)",
    'See `sluice run list --help`.',
  ],
  [['nothing'], "Unknown command 'nothing'.", 'See `sluice --help`.'],
])('%j is wrong usage, told as every error', async (words, sentence, remedy) => {
  await expect(program().parseAsync(words, { from: 'user' })).rejects.toMatchObject({
    code: 'wrong_usage',
    message: sentence,
    remedy,
  })
})

test("--version is Sluice's own at the front, and the schema's after `schema show`", async () => {
  const show = vi.fn()
  const root = program()
  let printed = ''
  root.configureOutput({
    writeOut: (text) => {
      printed += text
    },
  })
  root.commands.find((command) => command.name() === 'schema')!.commands[0]!.action((options) => show(options))
  await root.parseAsync(['schema', 'show', '--version', '1'], { from: 'user' })
  expect(show).toHaveBeenCalledWith({ version: 1 })
  await expect(root.parseAsync(['--version'], { from: 'user' })).rejects.toMatchObject({ code: 'commander.version' })
  expect(printed).toMatch(/^\d+\.\d+\.\d+\n$/)
})
