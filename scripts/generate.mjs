// Writes the generated pages under docs/ from their sources as built: the zod schema of sluice.yaml, the tree of commands,
// the catalogue of faults.
//
//   node scripts/generate.mjs            writes
//   node scripts/generate.mjs --check    fails if a page is not what would be written
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const from = (file) => import(path.join(root, file))
// Help is wrapped to the width of the terminal, which must not change the pages.
process.stdout.columns = 100

const { configurationJsonSchema } = await from('packages/control/dist/config/configurationJsonSchema.js')
const { program } = await from('apps/cli/dist/program.js')
const { faults } = await from('packages/core/dist/faults.js')

const notice = '<!-- Written by scripts/generate.mjs. Change its source instead. -->'
const schema = configurationJsonSchema()
const pages = {
  'docs/sluice.schema.json': `${JSON.stringify(schema, undefined, 2)}\n`,
  'docs/configuration.md': configurationPage(),
  'docs/commands.md': commandsPage(program()),
  'docs/errors.md': errorsPage(),
}

let stale = 0
for (const [file, text] of Object.entries(pages)) {
  const target = path.join(root, file)
  let before
  try {
    before = readFileSync(target, 'utf8')
  } catch {
    before = undefined
  }
  if (before === text) continue
  stale++
  if (process.argv.includes('--check')) process.stderr.write(`${file} is not what scripts/generate.mjs writes\n`)
  else {
    writeFileSync(target, text)
    process.stderr.write(`wrote ${file}\n`)
  }
}
if (stale > 0 && process.argv.includes('--check')) process.exitCode = 1

function configurationPage() {
  const { schema: accountSchema, connections, syncs, store } = schema.properties
  const field = schema.$defs.field.anyOf[1]
  return `${notice}
# Configuration: sluice.yaml

One file says what a deployment is: the account schema, connections, syncs, quota. \`sluice plan\` shows the difference
between file and deployment, \`sluice apply\` makes it. [demo/sluice.yaml](../demo/sluice.yaml) is an example to begin with.

- Unknown keys are refused. Every problem is told with its line, its path and what to write instead, all at once.
- Secrets are never written in the file: \`{ env: NAME }\` names an environment variable of the worker, \`{ file: path }\` a
  file. Relative paths start at the folder of sluice.yaml.
- Durations are a number with \`s\`, \`m\`, \`h\` or \`d\`: \`90s\`, \`10m\`, \`6h\`. Sizes are a number with \`KiB\`, \`MiB\` or \`GiB\`.
- Names of connections and syncs have 1 to 63 of \`a-z\`, \`0-9\`, \`_\` and \`-\`, and begin with a letter or digit.
- Editors check and complete the file with \`# yaml-language-server: $schema=docs/sluice.schema.json\` as its first line.

## schema

${accountSchema.description}

${table(accountSchema)}
### Fields

Each value of \`schema.fields\` is a type, or an object with these keys. A field's name is any text of 1 to 255 characters
without control characters; case counts.

${table(field)}
## connections

${connections.description} Each has a name of your own and a \`type\`.

${connections.additionalProperties.oneOf.map((one) => `### type: ${one.properties.type.const}\n\n${table(one)}`).join('\n')}
## syncs

${syncs.description} Each has a name of your own.

${table(syncs.additionalProperties)}
## store

${table(store)}`
}

/** One row a key; the keys of an object inside follow it, by path. */
function table(object) {
  const rows = []
  const visit = ({ properties = {}, required = [] }, prefix) => {
    for (const [key, value] of Object.entries(properties)) {
      if (key === 'fields' && prefix !== '') continue
      const shown = value.const ? `\`${value.const}\`` : ''
      const unit = value['x-unit'] ?? kindOf(value)
      const fallback =
        value.default === undefined || typeof value.default === 'object'
          ? required.includes(key)
            ? 'required'
            : ''
          : `\`${value.default}\``
      rows.push(`| \`${prefix}${key}\` | ${value.description ?? shown} | ${unit} | ${fallback} |`)
      if (value.type === 'object' && value.properties) visit(value, `${prefix}${key}.`)
      if (value.type === 'array' && value.items?.properties) visit(value.items, `${prefix}${key}[].`)
    }
  }
  visit(object, '')
  return `| Key | Meaning | Unit or values | Default |\n|---|---|---|---|\n${rows.join('\n')}\n`
}

function kindOf(value) {
  if (value.enum) return value.enum.map((one) => `\`${one}\``).join(', ')
  if (value.const) return 'text'
  const arms = value.anyOf ?? []
  if (arms.length > 0) {
    const kinds = new Set(arms.flatMap((arm) => (arm.properties ? ['`{ env }` or `{ file }`'] : [kindOf(arm)])))
    return [...kinds].join(', or ')
  }
  return (
    {
      string: 'text',
      boolean: '`true`, `false`',
      integer: 'whole number',
      number: 'number',
      object: '',
      array: 'list',
    }[value.type] ?? ''
  )
}

function commandsPage(root) {
  const sections = []
  const visit = (command, words) => {
    if (command.commands.length === 0) {
      const help = []
      command.configureOutput({ writeOut: (text) => help.push(text), getOutHelpWidth: () => 100 })
      command.outputHelp()
      sections.push(`## ${words}\n\n\`\`\`text\n${help.join('').trimEnd()}\n\`\`\`\n`)
    }
    for (const inner of command.commands) visit(inner, `${words} ${inner.name()}`)
  }
  visit(root, 'sluice')
  return `${notice}
# Commands

Answers go to standard output, talk to standard error. Every command takes \`--json\`: one document, or JSON lines for lists
and streams; an error is then \`{ "error": { "code", "sentence", "remedy" } }\`. A command finds a running \`sluice up\` by the
state that it keeps in \`.sluice/\` (\`SLUICE_HOME\`); \`SLUICE_STORE_URL\`, \`SLUICE_STAGE\` and \`TEMPORAL_ADDRESS\` with the usual
\`TEMPORAL_*\` name other servers.

| Exit code | Means |
|---|---|
| 0 | done |
| 1 | a bug |
| 2 | wrong usage |
| 3 | \`config_error\`: a person must mend something |
| 4 | \`partial\`: rows were rejected or files skipped |
| 5 | \`error\` |
| 6 | \`limit_exceeded\` |
| 7 | \`cancelled\` |
| 8 | refused: another job is in progress, syncs in the way |

${sections.join('\n')}`
}

function errorsPage() {
  const rows = (remedyBy) =>
    Object.entries(faults)
      .filter(([, fault]) => fault.remedyBy === remedyBy)
      .map(([code, { sentence, remedy, status }]) => `| \`${code}\` | ${sentence} | ${remedy} | \`${status}\` |`)
      .join('\n')
  const head = '| Code | Sentence | Remedy | Status of the run |\n|---|---|---|---|'
  return `${notice}
# Errors

An error has a sentence, a remedy and a code; the code never changes its meaning. The last column says how a run ends by it;
a command's exit code follows ([commands.md](commands.md)). Rejected rows
and skipped files have codes of their own: [rejected-rows.md](rejected-rows.md), [files.md](files.md#skipped-files).

## What time mends

The run waits and tries again, for \`limits.retry_for\`. Only after that does it end.

${head}
${rows('time')}

## What a person mends

${head}
${rows('person')}
`
}
