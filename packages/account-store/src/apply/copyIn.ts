import { once } from 'node:events'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'

/** Streams COPY text into a table. Nothing is sent for nothing. */
export async function copyIn(
  client: pg.PoolClient,
  table: string,
  columns: readonly string[],
  bytes: Uint8Array,
): Promise<void> {
  if (bytes.length === 0) return
  const names = columns.map((column) => `"${column}"`).join()
  const stream = client.query(copyFrom(`copy ${table} (${names}) from stdin`))
  const finished = once(stream, 'finish')
  stream.end(bytes)
  await finished
}
