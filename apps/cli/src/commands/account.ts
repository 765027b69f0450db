import type { Account } from '@sluice/control/accounts/readAccounts'
import type { Command } from 'commander'
import { noun, verb, wholeNumber, withSession } from '../command.ts'
import { say, write, writeJson } from '../output/answer.ts'
import { indentedJson } from '../output/indentedJson.ts'
import { printable } from '../output/printable.ts'
import { shellWord } from '../output/shellWord.ts'
import { counted, table } from '../output/table.ts'
import { timestampText } from '../output/timestampText.ts'

export function account(): Command {
  const group = noun('account', { summary: 'the account store', example: 'account get ACME-1' })

  verb(group, 'get <id>', { summary: 'show one account with its attributes', example: 'account get ACME-1' }).action(
    withSession(async (session, id: string) => {
      const { accountJson, getAccount } = await import('@sluice/control/accounts/readAccounts')
      const found = await getAccount(await session.store(), id)
      await write(session.json ? `${accountJson(found)}\n` : accountText(found))
    }),
  )

  verb(group, 'list', {
    summary: 'list accounts in the order of their ids',
    example: 'account list --after ACME-1 --limit 20',
  })
    .option('--after <id>', 'begin after this id')
    .option('--limit <n>', 'how many at most', wholeNumber(1, 100_000), 100)
    .action(
      withSession(async (session, { after, limit }: { after?: string; limit: number }) => {
        const { accountJson, listAccounts } = await import('@sluice/control/accounts/readAccounts')
        const accounts = await listAccounts(await session.store(), { limit, ...(after !== undefined && { after }) })
        if (session.json) {
          for (const found of accounts) await write(`${accountJson(found)}\n`)
          return
        }
        await write(
          table(
            ['ID', 'NAME', 'UPDATED_AT', 'SYNCED_AT'],
            accounts.map(({ id, name, updatedAt, syncedAt }) => [
              id,
              name,
              updatedAt && timestampText(updatedAt),
              syncedAt,
            ]),
          ),
        )
        const last = accounts.at(-1)
        if (last && accounts.length === limit) say(`More may follow: --after ${printable(shellWord(last.id))}`)
      }),
    )

  verb(group, 'export', {
    summary: 'write all accounts as JSON lines, as they are at one moment',
    example: 'account export > accounts.jsonl',
  }).action(
    withSession(async (session) => {
      const { accountJson, exportAccounts } = await import('@sluice/control/accounts/readAccounts')
      let lines = ''
      for await (const found of exportAccounts(await session.store())) {
        lines += `${accountJson(found)}\n`
        if (lines.length < 65_536) continue
        await write(lines)
        lines = ''
      }
      await write(lines)
    }),
  )

  verb(group, 'count', { summary: 'count the accounts', example: 'account count' }).action(
    withSession(async (session) => {
      const { countAccounts } = await import('@sluice/control/accounts/readAccounts')
      const accounts = await countAccounts(await session.store())
      if (session.json) return writeJson({ accounts })
      await write(`${counted(accounts, 'account')}\n`)
    }),
  )
  return group
}

function accountText({ id, name, attributesJson, createdAt, updatedAt, syncedAt }: Account): string {
  return [
    `id          ${printable(id)}`,
    `name        ${printable(name)}`,
    `created_at  ${createdAt}`,
    `updated_at  ${updatedAt === null ? '– (it came from a file)' : timestampText(updatedAt)}`,
    `synced_at   ${syncedAt}`,
    `attributes  ${printable(indentedJson(attributesJson), { lines: true })}`,
    '',
  ].join('\n')
}
