import type { SyncDefinition } from '@sluice/core/config/syncDefinition'
import { type FaultCode, reportFault, SluiceError } from '@sluice/core/faults'
import type {
  CheckStep,
  CheckStepName,
  ReadRequest,
  SourceColumn,
  SourceFacts,
  WarehouseSource,
} from '@sluice/core/source/warehouseSource'
import { columnRoles } from '../columnRoles.ts'
import type { Environment } from '../secrets.ts'
import { findColumns, findObject, type ObjectLayout } from './describeObject.ts'
import type { PostgresOptions } from './options.ts'
import { countRows, type Range, selectRows, timestampDigits } from './selectRows.ts'
import { serverAddress } from './serverAddress.ts'
import { type ServerAddress, Session } from './session.ts'
import { parseSourceObject, type SourceObject } from './sourceObject.ts'
import { countLines, wholeLines } from './wholeLines.ts'

/** For looking at the catalogue: nothing is computed. */
const describeTimeoutMs = 60_000
/** `countAt` may have to go through the whole object. The limit of one source query unless a sync says otherwise. */
const countTimeoutMs = 3_600_000
/** A person waits for the answer of `check`. */
const checkCountTimeoutMs = 30_000

export function openPostgres(
  options: PostgresOptions,
  source: Exclude<SyncDefinition['source'], { prefix: string }> | undefined,
  { env, label }: { env: Environment; label: string },
): WarehouseSource {
  const address = serverAddress(options, env, label)
  return new PostgresSource(address, source && parseSourceObject(source, address.database))
}

/** Each call has a connection of its own: none stays idle, or grows stale, between calls that may lie hours apart. */
class PostgresSource implements WarehouseSource {
  readonly #address: ServerAddress
  readonly #object: SourceObject | undefined
  readonly #closing = new AbortController()

  constructor(address: ServerAddress, object: SourceObject | undefined) {
    this.#address = address
    this.#object = object
  }

  async *check(watermark: string | undefined, signal: AbortSignal): AsyncIterable<CheckStep> {
    const { host, port, user, database } = this.#address
    let session: Session
    try {
      session = await Session.connect(this.#address, this.#signal(signal))
    } catch (error) {
      yield* failedConnect(error, `${host}:${port} answered.`, `${user} logged in.`)
      return
    }
    let step: CheckStepName = 'authorise'
    try {
      yield { step: 'reach', ok: true, sentence: `${host}:${port} answered${this.#address.ssl ? ' over TLS' : ''}.` }
      yield { step: 'authenticate', ok: true, sentence: `${user} logged in.` }
      await session.begin(checkCountTimeoutMs)
      yield { step, ok: true, sentence: `${user} may use the database ${database}.` }
      if (this.#object === undefined) return
      step = 'object'
      const found = await findObject(session, this.#object)
      yield {
        step,
        ok: true,
        sentence: found.object === 'query' ? 'The query was accepted.' : `Found ${found.object}.`,
      }
      step = 'columns'
      const layout = await findColumns(session, found)
      yield { step, ok: true, sentence: columnsSentence(layout.columns) }
      step = 'rows'
      yield { step, ok: true, sentence: await newerRows(session, layout, watermark) }
    } catch (error) {
      yield failedStep(step, session.fault(error))
    } finally {
      await session.close()
    }
  }

  async describe(signal: AbortSignal): Promise<SourceFacts> {
    return this.#withSession(signal, describeTimeoutMs, async (session, { object, columns }) => {
      const { rows } = await session.query<{ now: string }>(
        "SELECT pg_catalog.to_char(pg_catalog.now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') AS now",
      )
      return { object, columns, timestampDigits, now: rows[0]!.now }
    })
  }

  async countAt(updatedAt: string, signal: AbortSignal): Promise<number> {
    return this.#withSession(signal, countTimeoutMs, (session, layout) =>
      count(session, layout, { kind: 'at', updatedAt }),
    )
  }

  async *read(request: ReadRequest, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const session = await Session.connect(this.#address, this.#signal(signal))
    try {
      await session.begin(request.queryTimeoutMs)
      const layout = await this.#layout(session)
      const ranges: Range[] = [{ kind: 'after', from: request.from }]
      if (request.withoutTimestamp) ranges.unshift({ kind: 'outside' })
      let rowsLeft = request.rowsMax
      for (const range of ranges) {
        if (rowsLeft === 0) return
        // §11. The extended protocol lets no second statement pass; COPY then gets the same text.
        await session.query(selectRows(layout, range, 0))
        for await (const lines of wholeLines(session.copy(selectRows(layout, range, rowsLeft)))) {
          if (rowsLeft !== undefined) rowsLeft -= countLines(lines)
          yield lines
        }
      }
    } catch (error) {
      throw session.fault(error)
    } finally {
      await session.close()
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('The source was closed.'))
  }

  async #withSession<T>(
    signal: AbortSignal,
    queryTimeoutMs: number,
    work: (session: Session, layout: ObjectLayout) => Promise<T>,
  ): Promise<T> {
    const session = await Session.connect(this.#address, this.#signal(signal))
    try {
      await session.begin(queryTimeoutMs)
      return await work(session, await this.#layout(session))
    } catch (error) {
      throw session.fault(error)
    } finally {
      await session.close()
    }
  }

  async #layout(session: Session): Promise<ObjectLayout> {
    if (this.#object === undefined) throw new Error('A source without an object can only be checked.')
    return findColumns(session, await findObject(session, this.#object))
  }

  #signal(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#closing.signal])
  }
}

async function count(session: Session, layout: ObjectLayout, range: Range): Promise<number> {
  const { rows } = await session.query<{ rows: string }>(countRows(layout, range))
  return Number(rows[0]!.rows)
}

async function newerRows(session: Session, layout: ObjectLayout, watermark: string | undefined): Promise<string> {
  const newer = watermark === undefined ? '' : ` newer than ${watermark}`
  try {
    const from = watermark === undefined ? undefined : { updatedAt: watermark, inclusive: false }
    const rows = await count(session, layout, { kind: 'after', from })
    const outside = await count(session, layout, { kind: 'outside' })
    return `${counted(rows)}${newer}.${outside === 0 ? '' : ` ${counted(outside)} without a usable UPDATED_AT, which every run rejects.`}`
  } catch (error) {
    const fault = session.fault(error)
    // A slow count is no failure: a run has far more time.
    if (!(fault instanceof SluiceError) || fault.code !== 'query_timeout') throw fault
    return `Counting the rows${newer} takes longer than ${checkCountTimeoutMs / 1000} seconds; an index on UPDATED_AT makes runs faster.`
  }
}

function counted(rows: number): string {
  return `${rows.toLocaleString('en')} ${rows === 1 ? 'row' : 'rows'}`
}

function columnsSentence(columns: readonly SourceColumn[]): string {
  const used = columnRoles.flatMap((role) => columns.filter((column) => column.role === role))
  const absent = columnRoles.filter((role) => !used.some((column) => column.role === role))
  const found = used.map(({ role, name, type }) => {
    const spelled = name.toLowerCase() === name || name.toUpperCase() === name ? '' : ` (as ${JSON.stringify(name)})`
    return `${role!.toUpperCase()} ${type}${spelled}`
  })
  const without = absent.length === 0 ? '' : ` No ${absent.map((role) => role.toUpperCase()).join(', ')}.`
  return `${found.join(', ')}.${without}`
}

/** The first step that a failed connect shows as failed; those before it must have passed. */
function* failedConnect(error: unknown, reached: string, authenticated: string): Generator<CheckStep> {
  const failedAt: Partial<Record<FaultCode, CheckStepName>> = {
    authentication_failed: 'authenticate',
    database_missing: 'authorise',
    permission_denied: 'authorise',
  }
  const step = (error instanceof SluiceError && failedAt[error.code]) || 'reach'
  if (step !== 'reach') yield { step: 'reach', ok: true, sentence: reached }
  if (step === 'authorise') yield { step: 'authenticate', ok: true, sentence: authenticated }
  yield failedStep(step, error)
}

function failedStep(step: CheckStepName, error: unknown): CheckStep {
  if (!(error instanceof SluiceError)) return { step, ok: false, sentence: 'The check was cancelled.' }
  return { step, ok: false, ...reportFault(error) }
}
