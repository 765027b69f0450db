import { createHash } from 'node:crypto'
import { type AppliedBatch, applyBatch } from '@sluice/account-store/apply/applyBatch'
import { writeDeployment } from '@sluice/account-store/deployment'
import { claimSync } from '@sluice/account-store/lease'
import { migrate } from '@sluice/account-store/migrate'
import { openStore } from '@sluice/account-store/openStore'
import type { SyncDefinition } from '@sluice/core/config/syncDefinition'
import type { FilteredBatch } from '@sluice/core/filter/filteredBatch'
import type { RunIdentity } from '@sluice/core/run/runIdentity'
import type { Fields } from '@sluice/core/schema/accountSchema'
import type pg from 'pg'
import { testDatabase } from '../servers/postgres.ts'

export const syncDefinition: SyncDefinition = {
  connection: 'warehouse',
  source: { table: 'public.accounts_sync' },
  lookbackMs: 0,
  onTypeMismatch: 'drop_field',
  overwrites: 'report',
  batch: { rows: 50_000, bytes: 16 * 1024 * 1024 },
  limits: { rowsPerRun: 500_000_000, queryTimeoutMs: 3_600_000, retryForMs: 21_600_000 },
}

/** A migrated store of its own, with one connection and the syncs named. */
export async function storeWith(fields: Fields, ...syncs: string[]): Promise<pg.Pool> {
  const pool = openStore({ url: (await testDatabase()).url, connectionsMax: 4 })
  await migrate(pool)
  await writeDeployment(
    pool,
    {
      fields,
      connections: { put: { warehouse: { type: 'postgres' } }, remove: [] },
      syncs: { put: Object.fromEntries(syncs.map((name) => [name, syncDefinition])), remove: [] },
    },
    { by: 'test' },
  )
  return pool
}

let runs = 0
export async function startRun(pool: pg.Pool, sync: string, takeOverFrom?: string): Promise<RunIdentity> {
  const runId = `run-${++runs}`
  const claim = await claimSync(pool, {
    sync,
    runId,
    executionId: runId,
    workflowId: `sync/${sync}/manual`,
    kind: 'manual',
    startedAt: new Date().toISOString(),
    ...(takeOverFrom !== undefined && { takeOverFrom }),
  })
  if (!claim.claimed) throw new Error(`held by ${claim.holder.runId}`)
  return { sync, runId, token: claim.token }
}

export async function applyFiltered(
  pool: pg.Pool,
  run: RunIdentity,
  place: { segment?: number; batch: number; schema?: number },
  { plain, changes, rejected, report }: FilteredBatch,
): Promise<AppliedBatch> {
  return applyBatch(pool, {
    run,
    segment: place.segment ?? 1,
    batch: place.batch,
    schema: place.schema ?? 1,
    header: {
      kind: 'changes',
      sections: { plain: plain.length, changes: changes.length, rejected: rejected.length },
      report,
    },
    plain,
    changes,
    rejected,
  })
}

/** Raw rows as a source yields them, of text without characters that COPY escapes. */
export function rawRows(
  rows: { t?: string; id?: string; name?: string; payload?: string; deleted?: string }[],
): Uint8Array {
  const cell = (text: string | undefined): string => (text === undefined ? '\\N' : text.replaceAll('\\', '\\\\'))
  return Buffer.from(
    rows.map((row) => `${[row.t, row.id, row.name, row.payload, row.deleted].map(cell).join('\t')}\n`).join(''),
  )
}

export const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex').slice(0, 32)
