import { describeFields } from '@sluice/control/deployment/describeDefinition'
import type { Command } from 'commander'
import { noun, verb, wholeNumber, withSession } from '../command.ts'
import { write } from '../output/answer.ts'
import { table } from '../output/table.ts'

export function schema(): Command {
  const group = noun('schema', {
    summary: 'the account schema: which fields attributes may hold',
    example: 'schema show',
  })
  verb(group, 'show', {
    summary: 'show the account schema in force, or its versions',
    example: 'schema show --versions',
  })
    .option('--version <n>', 'an earlier version', wholeNumber(1, 1_000_000_000))
    .option('--versions', 'list all versions, newest first')
    .action(
      withSession(async (session, { version, versions }: { version?: number; versions?: boolean }) => {
        const { fieldsJson, listSchemaVersions, showSchema } = await import('@sluice/control/accounts/readSchemas')
        const store = await session.store()
        if (versions) {
          const all = await listSchemaVersions(store)
          if (session.json)
            return write(
              all
                .map(({ version, createdAt, by, reason, fields }) => {
                  const head = JSON.stringify({
                    version,
                    created_at: createdAt,
                    by,
                    ...(reason !== null && { reason }),
                  })
                  return `${head.slice(0, -1)},"fields":${fieldsJson(fields)}}\n`
                })
                .join(''),
            )
          return write(
            table(
              ['VERSION', 'CREATED_AT', 'BY', 'FIELDS', 'REASON'],
              all.map((one) => [one.version, one.createdAt, one.by, one.fields.length, one.reason]),
            ),
          )
        }
        const found = await showSchema(store, version)
        if (session.json) return write(`{"version":${found.version},"fields":${fieldsJson(found.fields)}}\n`)
        await write(`Version ${found.version}\n${table(['FIELD', 'TYPE'], [...describeFields(found.fields)])}`)
      }),
    )
  return group
}
