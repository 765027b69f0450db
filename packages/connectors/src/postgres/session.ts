import type { Duplex, Readable } from 'node:stream'
import pg from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import { postgresFault } from './faults.ts'

const connectTimeoutMs = 30_000
const keepAliveDelayMs = 30_000
/** How long a cancel request, or a polite good-bye, may take before the connection is dropped all the same. */
const farewellTimeoutMs = 5_000
/** `statement_timeout` is a 32-bit number of milliseconds. */
const statementTimeoutMsMax = 2 ** 31 - 1

export type ServerAddress = Required<
  Pick<pg.ClientConfig, 'host' | 'port' | 'database' | 'user' | 'password' | 'ssl'>
> & {
  application_name: string
}

/** Parts of `pg` that its types leave out. */
interface CancellableConnection extends pg.Connection {
  connect(port: number | string, host?: string): void
  requestSsl(): void
  cancel(processId: number, secretKey: number): void
}
interface ClientInside {
  connection: { stream: Duplex }
  processID: number | null
  secretKey: number | null
}

/**
 * One connection for one piece of work, in one read-only transaction: all settings are `SET LOCAL`, so that a pooler in
 * front of the server neither loses nor keeps them. Aborting the signal cancels at the server whatever is under way.
 */
export class Session {
  readonly #address: ServerAddress
  readonly #client: pg.Client
  readonly #signal: AbortSignal
  readonly #onAbort = () => void this.#abandon()
  #connected = false
  #busy = false
  #statementAt = 0
  #statementTimeoutMs = 0
  #abandoned: Promise<void> | undefined

  private constructor(address: ServerAddress, signal: AbortSignal) {
    this.#address = address
    this.#signal = signal
    this.#client = new pg.Client({
      ...address,
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: keepAliveDelayMs,
    })
    // A lost connection also fails the query that is under way; between queries, the next one.
    this.#client.on('error', () => {})
  }

  /** @throws SluiceError; the signal's reason if it is aborted */
  static async connect(address: ServerAddress, signal: AbortSignal): Promise<Session> {
    signal.throwIfAborted()
    const session = new Session(address, signal)
    signal.addEventListener('abort', session.#onAbort, { once: true })
    try {
      await session.#client.connect()
    } catch (error) {
      const fault = session.fault(error)
      await session.close()
      throw fault
    }
    session.#connected = true
    return session
  }

  /**
   * Opens the transaction that everything else runs in.
   * REPEATABLE READ: the rows outside every watermark and the others are two queries, and a row that is mended between
   * them must be seen once, in one state. The snapshot is held no longer than the second query holds its own.
   */
  async begin(queryTimeoutMs: number): Promise<void> {
    this.#statementTimeoutMs = Math.min(queryTimeoutMs, statementTimeoutMsMax)
    await this.#run(() =>
      this.#client.query(
        [
          'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
          'SET LOCAL default_transaction_read_only = on',
          `SET LOCAL statement_timeout = ${this.#statementTimeoutMs}`,
          "SET LOCAL TimeZone = 'UTC'",
          "SET LOCAL DateStyle = 'ISO, YMD'",
          'SET LOCAL extra_float_digits = 3',
        ].join('; '),
      ),
    )
  }

  /** By the extended protocol, which refuses a text of several statements. */
  async query<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<pg.QueryResult<Row>> {
    const statement = { text, values, queryMode: 'extended' } satisfies pg.QueryConfig & { queryMode: 'extended' }
    return this.#run(() => this.#client.query<Row>(statement))
  }

  /** Chunks as they come from the network, cut anywhere. `select` must have passed `query` before: COPY takes any text. */
  async *copy(select: string): AsyncGenerator<Buffer, void, undefined> {
    const stream: Readable = copyTo(`COPY (${select}) TO STDOUT`)
    // The stream tells once more of the connection's end after the iteration was left.
    stream.on('error', () => {})
    this.#start()
    this.#client.query(stream as ReturnType<typeof copyTo>)
    for await (const chunk of stream) yield chunk
    // Not reached when the consumer leaves early: the session then stays busy, and `close` cancels.
    this.#busy = false
  }

  /** What a failure of this session is to be thrown as. */
  fault(error: unknown): unknown {
    if (this.#signal.aborted) return this.#signal.reason
    const usedMs = performance.now() - this.#statementAt
    return postgresFault(error, { timedOut: this.#statementTimeoutMs > 0 && usedMs > this.#statementTimeoutMs * 0.95 })
  }

  /** Idempotent. Cancels what is under way. */
  async close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#onAbort)
    if (!this.#connected || this.#busy || this.#abandoned !== undefined) return this.#abandon()
    const giveUp = setTimeout(() => void this.#abandon(), farewellTimeoutMs)
    await this.#client.end().catch(() => {})
    clearTimeout(giveUp)
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    this.#start()
    try {
      return await work()
    } finally {
      this.#busy = false
    }
  }

  #start(): void {
    this.#signal.throwIfAborted()
    this.#busy = true
    this.#statementAt = performance.now()
  }

  #abandon(): Promise<void> {
    this.#abandoned ??= this.#cancelAndDrop()
    return this.#abandoned
  }

  /** A server that sorts or computes does not notice a dropped connection, so it is told first. */
  async #cancelAndDrop(): Promise<void> {
    const { connection, processID, secretKey } = this.#client as unknown as ClientInside
    if (this.#busy && processID !== null && secretKey !== null) {
      await requestCancel(this.#address, processID, secretKey)
    }
    connection.stream.destroy()
  }
}

/** Never fails: the connection is dropped afterwards in any case. */
function requestCancel(address: ServerAddress, processId: number, secretKey: number): Promise<void> {
  return new Promise((resolve) => {
    const connection = new pg.Connection({ ssl: address.ssl } as pg.ConnectionConfig) as CancellableConnection
    const giveUp = setTimeout(() => connection.stream.destroy(), farewellTimeoutMs)
    const done = () => {
      clearTimeout(giveUp)
      resolve()
    }
    connection.on('error', done)
    // The server closes the connection once it has passed the cancel on.
    connection.on('end', done)
    connection.once(address.ssl ? 'sslconnect' : 'connect', () => connection.cancel(processId, secretKey))
    if (address.ssl) connection.once('connect', () => connection.requestSsl())
    if (address.host.startsWith('/')) connection.connect(`${address.host}/.s.PGSQL.${address.port}`)
    else connection.connect(address.port, address.host)
  })
}
