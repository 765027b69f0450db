import { SluiceError } from '@sluice/core/faults'
import pg from 'pg'

export type Db = pg.Pool | pg.PoolClient

// Counts go beyond 2^31 but never beyond 2^53; `count(*)` and sums of it come as int8 and numeric.
const types = new pg.TypeOverrides()
types.setTypeParser(pg.types.builtins.INT8, Number)
types.setTypeParser(pg.types.builtins.NUMERIC, Number)

/**
 * A pool on the account store. It connects when it is used first.
 * @throws SluiceError `store_refused` when the URL is none, or names a certificate that cannot be read
 */
export function openStore(options: { url: string; connectionsMax?: number; applicationName?: string }): pg.Pool {
  checkUrl(options.url)
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.connectionsMax ?? 4,
    application_name: options.applicationName ?? 'sluice',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    types,
    // `changed` uses temporary tables of a batch's size; the default of 8 MB would send them to disk.
    // A worker whose machine is gone holds its locks until the server notices: after a minute, not after two hours.
    options:
      '-c temp_buffers=64MB -c timezone=UTC -c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3',
  })
  // A connection that breaks while idle is replaced at its next use; without a listener it would end the process.
  pool.on('error', () => {})
  return pool
}

/** The driver reads the URL only when it connects, and its errors quote it: with the password. */
function checkUrl(url: string): void {
  const expected = 'SLUICE_STORE_URL must look like postgres://user:password@host:5432/database.'
  // The driver takes any other text as the name of a database on a host called `base`.
  if (!/^(postgres(ql)?:\/\/|socket:|\/)/i.test(url)) throw new SluiceError('store_refused', expected)
  try {
    new pg.Client({ connectionString: url })
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException
    if (path === undefined) throw new SluiceError('store_refused', expected)
    throw new SluiceError('store_refused', `SLUICE_STORE_URL names ${path}, which cannot be read (${code}).`)
  }
}
