import type { RunIdentity } from '@sluice/core/run/runIdentity'
import type pg from 'pg'

/**
 * §2: a rejected row is never lost, and the same row rejected again for the same reason refreshes its entry.
 * `conditional`: ordinals of the rows that were rejected only now, since their account does not exist.
 */
export async function quarantineRows(
  client: pg.PoolClient,
  input: { run: RunIdentity; conditional: number[] },
): Promise<void> {
  await client.query(
    `insert into sluice.quarantine (sync, row_key, run_id, id, updated_at, name, payload, deleted, code, sentence)
     select distinct on (row_key) $1, row_key, $2, id, updated_at, name, payload, deleted, code, sentence
     from pg_temp.rejected where not conditional or ordinal = any($3::int[])
     order by row_key, ordinal desc
     on conflict (sync, row_key) do update
     set run_id = excluded.run_id, updated_at = excluded.updated_at, sentence = excluded.sentence, refreshed_at = now()`,
    [input.run.sync, input.run.runId, input.conditional],
  )
}
