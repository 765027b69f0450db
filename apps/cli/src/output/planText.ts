import { styleText } from 'node:util'
import type { Description } from '@sluice/control/deployment/describeDefinition'
import type { Change } from '@sluice/control/deployment/planDeployment'
import { printable } from './printable.ts'
import { counted } from './table.ts'

const signs = { add: '+', change: '~', remove: '-' } as const
const colours = { add: 'green', change: 'yellow', remove: 'red' } as const

/** `+` is new, `~` differs, `-` goes. Of a new sync, what sluice.yaml leaves at `defaults` is not told. */
export function planText(changes: readonly Change[], defaults: Description): string {
  if (changes.length === 0) return 'Nothing to change: what is deployed is what the file says.\n'
  const lines = changes.flatMap((change) => [
    styleText(colours[change.action], headline(change), { stream: process.stdout }),
    ...detailLines(change, defaults),
    ...(change.note === undefined ? [] : [`    (${change.note})`]),
  ])
  const count = (action: Change['action']) => changes.filter((change) => change.action === action).length
  return `${lines.join('\n')}\n\n${counted(changes.length, 'change')}: ${count('add')} new, ${count('change')} changed, ${count('remove')} removed.\n`
}

function headline({ what, name, action, details }: Change): string {
  const text = `${signs[action]} ${what} ${printable(name)}`
  const [only] = details
  // Fields, schedules and quotas are one value each: it stands on the line itself.
  if (!only || what === 'connection' || what === 'sync') return text
  return `${text}: ${printable(only.from === undefined ? only.to! : only.to === undefined ? only.from : `${only.from} → ${only.to}`)}`
}

function detailLines({ what, action, details }: Change, defaults: Description): string[] {
  if (what !== 'connection' && what !== 'sync') return []
  return details
    .filter(({ key, to }) => !(what === 'sync' && action === 'add' && defaults.get(key) === to))
    .map(
      ({ key, from, to }) =>
        `    ${key}: ${printable(from === undefined ? to! : to === undefined ? `${from} → (none)` : `${from} → ${to}`)}`,
    )
}
