import type { ConnectionDefinition, SyncDefinition } from '@sluice/core/config/syncDefinition'
import type { AccountSchema, Fields } from '@sluice/core/schema/accountSchema'
import type pg from 'pg'
import { endLostRun } from './lease.ts'
import type { Db } from './openStore.ts'
import { withStoreFaults } from './storeFaults.ts'
import { transaction } from './transaction.ts'

/** What is deployed: the counterpart of sluice.yaml. */
export interface Deployment {
  /** Absent: none was applied yet. */
  schema?: AccountSchema
  connections: Record<string, ConnectionDefinition>
  syncs: Record<string, SyncDefinition>
  quota: Quota
}

/** Absent: no limit. */
interface Quota {
  accounts?: number
  bytes?: number
}

export interface DeploymentChange {
  /** Put into force as a new version. */
  fields?: Fields
  connections: { put: Record<string, ConnectionDefinition>; remove: string[] }
  syncs: { put: Record<string, SyncDefinition>; remove: string[] }
  quota?: Quota
}

export async function readDeployment(db: Db): Promise<Deployment> {
  return withStoreFaults(async () => {
    const schema = await readSchema(db)
    const connections = await db.query<{ name: string; definition: ConnectionDefinition }>(
      'select name, definition from sluice.connection order by name',
    )
    const syncs = await db.query<{ name: string; definition: SyncDefinition }>(
      'select name, definition from sluice.sync order by name',
    )
    const quota = await db.query<{ accounts: number | null; bytes: number | null }>(
      'select accounts_max as accounts, bytes_max as bytes from sluice.usage',
    )
    return {
      ...(schema && { schema }),
      connections: Object.fromEntries(connections.rows.map((row) => [row.name, row.definition])),
      syncs: Object.fromEntries(syncs.rows.map((row) => [row.name, row.definition])),
      quota: {
        ...(quota.rows[0]?.accounts != null && { accounts: quota.rows[0].accounts }),
        ...(quota.rows[0]?.bytes != null && { bytes: quota.rows[0].bytes }),
      },
    }
  })
}

/**
 * Makes the change in one transaction. A sync that is pointed at another source, or at a connection of another name, starts
 * from the beginning: its watermark and its list of applied files speak of the old source. A run at work on it is lost.
 */
export async function writeDeployment(
  pool: pg.Pool,
  change: DeploymentChange,
  audit: { by: string; reason?: string },
): Promise<void> {
  await transaction(pool, async (client) => {
    for (const [name, definition] of Object.entries(change.connections.put))
      await client.query(
        `insert into sluice.connection (name, definition) values ($1, $2)
         on conflict (name) do update set definition = excluded.definition`,
        [name, JSON.stringify(definition)],
      )
    for (const [name, definition] of Object.entries(change.syncs.put)) await putSync(client, name, definition)
    for (const name of change.syncs.remove) await removeSync(client, name)
    await client.query('delete from sluice.connection where name = any($1::text[])', [change.connections.remove])
    if (change.fields !== undefined) await putSchema(client, change.fields, audit)
    if (change.quota !== undefined)
      await client.query('update sluice.usage set accounts_max = $1, bytes_max = $2', [
        change.quota.accounts ?? null,
        change.quota.bytes ?? null,
      ])
  })
}

export interface DeployedSync {
  definition: SyncDefinition
  connection: { name: string; definition: ConnectionDefinition }
}

export async function readSync(db: Db, name: string): Promise<DeployedSync | undefined> {
  return withStoreFaults(async () => {
    const { rows } = await db.query<{ definition: SyncDefinition; connection: string; options: ConnectionDefinition }>(
      `select s.definition, s.connection, c.definition as options
       from sluice.sync s join sluice.connection c on c.name = s.connection where s.name = $1`,
      [name],
    )
    const row = rows[0]
    return row && { definition: row.definition, connection: { name: row.connection, definition: row.options } }
  })
}

export interface SchemaVersion extends AccountSchema {
  /** ISO. */
  createdAt: string
  by: string
  reason: string | null
}

/** The version in force, or an older one by number. */
export async function readSchema(db: Db, version?: number): Promise<AccountSchema | undefined> {
  return withStoreFaults(async () => {
    const { rows } = await db.query<{ version: number; fields: string }>(
      `select version, fields from sluice.account_schema
       where version = coalesce($1, (select version from sluice.account_schema_in_force))`,
      [version ?? null],
    )
    return rows[0] && { version: rows[0].version, fields: JSON.parse(rows[0].fields) as Fields }
  })
}

/** Newest first. */
export async function listSchemaVersions(db: Db): Promise<SchemaVersion[]> {
  return withStoreFaults(async () => {
    const { rows } = await db.query<{
      version: number
      fields: string
      createdAt: Date
      by: string
      reason: string | null
    }>(
      `select version, fields, created_at as "createdAt", created_by as by, reason from sluice.account_schema order by version desc`,
    )
    return rows.map((row) => ({
      ...row,
      fields: JSON.parse(row.fields) as Fields,
      createdAt: row.createdAt.toISOString(),
    }))
  })
}

async function putSync(client: pg.PoolClient, name: string, definition: SyncDefinition): Promise<void> {
  const old = await client.query<{ definition: SyncDefinition }>(
    'select definition from sluice.sync where name = $1 for update',
    [name],
  )
  await client.query(
    `insert into sluice.sync (name, definition, connection) values ($1, $2, $3)
     on conflict (name) do update set definition = excluded.definition, connection = excluded.connection`,
    [name, JSON.stringify(definition), definition.connection],
  )
  if (old.rows[0] !== undefined && !sameSource(old.rows[0].definition, definition)) {
    await client.query('delete from sluice.watermark where sync = $1', [name])
    await client.query('delete from sluice.file where sync = $1', [name])
    // A run that reads the old source must not commit its watermark as that of the new one.
    await client.query("update sluice.sync set fencing_token = nextval('sluice.fencing_token') where name = $1", [name])
  }
}

/** Whether a watermark of the one means something for the other. */
export function sameSource(a: SyncDefinition, b: SyncDefinition): boolean {
  const text = (sync: SyncDefinition): string =>
    JSON.stringify([sync.connection, Object.entries(sync.source).sort(([x], [y]) => (x < y ? -1 : 1))])
  return text(a) === text(b)
}

/** Control refuses it while a workflow is open; a run that still holds the sync lost its workflow. */
async function removeSync(client: pg.PoolClient, name: string): Promise<void> {
  const { rows } = await client.query<{ holder: string | null }>(
    'delete from sluice.sync where name = $1 returning active_run as holder',
    [name],
  )
  const holder = rows[0]?.holder
  if (typeof holder === 'string') await endLostRun(client, holder)
}

async function putSchema(client: pg.PoolClient, fields: Fields, audit: { by: string; reason?: string }): Promise<void> {
  // Waits for the batches that are being applied under the version in force (see applyBatch), and holds back the next.
  await client.query('select from sluice.account_schema_in_force for update')
  const { rows } = await client.query<{ version: number }>(
    `insert into sluice.account_schema (version, fields, created_by, reason)
     select coalesce(max(version), 0) + 1, $1, $2, $3 from sluice.account_schema returning version`,
    [JSON.stringify(fields), audit.by, audit.reason ?? null],
  )
  await client.query(
    `insert into sluice.account_schema_in_force (version) values ($1) on conflict (singleton) do update set version = excluded.version`,
    [rows[0]!.version],
  )
}
