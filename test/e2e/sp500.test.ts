import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeOn } from '../servers/address.ts'
import { type DeploymentUnderTest, deploy } from './deploymentUnderTest.ts'

/** 503 companies of a stock index; see SLUICE_TEST_DATA in the README of this folder. */
const data = process.env.SLUICE_TEST_DATA ?? path.resolve(import.meta.dirname, '../../../shared/data')
const csv = await readFile(path.join(data, 'sp500.csv'), 'utf8').catch(() => undefined)
if (csv === undefined) process.stderr.write(`Skipped: there is no sp500.csv in ${data} (set SLUICE_TEST_DATA)\n`)

const describeOnServers = csv === undefined ? (await describeOn()).skip : await describeOn('postgres', 'temporal')

const schema = `
schema:
  fields:
    sector: string
    sub_industry: string
    headquarters: string
    date_added: date
    cik: integer
    founded: integer
`

describeOnServers('503 real companies', () => {
  let sluice: DeploymentUnderTest
  const companies = csv === undefined ? [] : parseCsv(csv).slice(1)
  const payload = ([, , sector, sub, headquarters, added, cik, founded]: string[]) => ({
    sector,
    sub_industry: sub,
    headquarters,
    date_added: added,
    cik,
    founded,
  })
  const odd = companies.filter(([, , , , , , , founded]) => !/^\d+$/.test(founded!)).length

  beforeAll(async () => {
    sluice = await deploy()
    await sluice.source.query(`
      create table sp500 (symbol text, security text, sector text, sub text, headquarters text, added text, cik text, founded text);
      create view accounts_sync as select timestamptz '2026-08-08 12:00:00.123456+00' as updated_at, symbol as id, security as name,
        jsonb_build_object('sector', sector, 'sub_industry', sub, 'headquarters', headquarters, 'date_added', added, 'cik', cik, 'founded', founded) as payload,
        false as deleted from sp500`)
    for (const company of companies)
      await sluice.source.query('insert into sp500 values ($1, $2, $3, $4, $5, $6, $7, $8)', company)

    const jsonl = companies.map((company) =>
      JSON.stringify({ ID: company[0], NAME: company[1], PAYLOAD: JSON.stringify(payload(company)) }),
    )
    const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`
    const lines = [
      'ID,NAME,PAYLOAD,DELETED',
      ...companies.map((company) =>
        [company[0]!, company[1]!, JSON.stringify(payload(company)), 'false'].map(quoted).join(','),
      ),
    ]
    for (const [folder, file, text] of [
      ['jsonl', 'a.jsonl', `${jsonl.join('\n')}\n`],
      ['csv', 'a.csv', `${lines.join('\r\n')}\r\n`],
    ] as const) {
      await mkdir(path.join(sluice.folder, 'exports', folder), { recursive: true })
      await writeFile(path.join(sluice.folder, 'exports', folder, file), text)
    }
  })
  afterAll(() => sluice?.stop())

  const sources = {
    view: 'connection: warehouse, source: { table: public.accounts_sync }',
    jsonl: 'connection: exports, source: { prefix: jsonl/, format: jsonl }',
    csv: 'connection: exports, source: { prefix: csv/, format: csv }',
  }
  const attributes: Record<string, Map<string, unknown>> = {}

  test.each(Object.entries(sources))(
    '§3 as a %s: every company arrives, years such as `2013 (1888)` alone are left out, a second run writes nothing',
    async (name, source) => {
      const applied = await sluice.configure(`${schema}
connections:
  warehouse: ${sluice.connection()}
  exports: { type: folder, path: ./exports }
syncs:
  ${name}: { ${source} }
`)
      expect(applied).toMatchObject({ code: 0 })
      await sluice.store.query('truncate sluice.account; update sluice.usage set accounts = 0, bytes = 0')

      const first = await sluice.sluice('sync', 'run', name, '--wait', '--json')
      expect(first.json).toMatchObject({
        status: 'success',
        rows: { read: 503, created: 503 },
        type_mismatches: { founded: odd },
      })
      expect(first.code).toBe(0)
      expect((await sluice.sluice('account', 'count', '--json')).json).toEqual({ accounts: 503 })

      const exported = (await sluice.sluice('account', 'export', '--json')).lines
      attributes[name] = new Map(exported.map((account) => [account.id, [account.name, account.attributes]]))
      for (const company of companies) {
        const [, , sector, sub, headquarters, added, cik, founded] = company
        expect(attributes[name].get(company[0]!)).toEqual([
          company[1],
          {
            sector,
            sub_industry: sub,
            headquarters,
            date_added: added,
            cik: Number(cik),
            ...(/^\d+$/.test(founded!) && { founded: Number(founded) }),
          },
        ])
      }

      const versions = async () =>
        (await sluice.store.query('select id, xmin::text from sluice.account order by id')).rows
      const before = await versions()
      const second = await sluice.sluice('sync', 'run', name, '--wait', '--json')
      expect(second).toMatchObject({ code: 0 })
      expect(second.json.rows).toMatchObject({ created: 0, updated: 0, deleted: 0, rejected: 0 })
      expect(await versions()).toEqual(before)
      const usage = await sluice.sluice('usage', '--json')
      expect((await sluice.sluice('usage', '--recount', '--json')).json).toEqual(usage.json)
    },
  )

  test('equal attribute by attribute each way', () => {
    expect(attributes.jsonl).toEqual(attributes.view)
    expect(attributes.csv).toEqual(attributes.view)
  })
})

/** Enough for this file: quotes without line breaks inside. */
function parseCsv(text: string): string[][] {
  return text
    .trim()
    .split(/\r?\n/)
    .map((line) =>
      [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
        ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain!,
      ),
    )
}
