import type pg from 'pg'
import { withStoreFaults } from './storeFaults.ts'

/**
 * Between two statements of a transaction pass milliseconds. A worker that was frozen in the midst of one must not hold its
 * locks against the worker that took its place.
 */
const idleMsMax = 30_000
/** The same for one that was frozen in the midst of a COPY, which is not idle. Just under the time that an activity has. */
const transactionMsMax = 540_000

/** One transaction on a connection of its own. A connection whose fate is unknown is closed, not reused. */
export async function transaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  return withStoreFaults(async () => {
    const client = await pool.connect()
    let broken: Error | undefined
    const onError = (error: Error): void => {
      broken = error
    }
    // Without a listener, a connection that breaks between two statements would end the process.
    client.on('error', onError)
    try {
      await client.query(
        `begin; set local idle_in_transaction_session_timeout = ${idleMsMax}; set local transaction_timeout = ${transactionMsMax}`,
      )
      const result = await work(client)
      await client.query('commit')
      return result
    } catch (error) {
      await client.query('rollback').catch((failure: Error) => {
        broken = failure
      })
      throw error
    } finally {
      client.off('error', onError)
      client.release(broken)
    }
  })
}
