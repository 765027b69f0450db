import { SluiceError } from '@sluice/core/faults'
import { bundleWorkflows } from '@sluice/worker/workflowBundle'
import type { RunProgress } from '@sluice/workflows/messages'
import { syncRunType } from '@sluice/workflows/names'
import { Client, Connection, WorkflowFailedError, type WorkflowHandle } from '@temporalio/client'
import { type ApplicationFailure, CancelledFailure } from '@temporalio/common'
import { NativeConnection, Worker } from '@temporalio/worker'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { describeOn } from '../servers/address.ts'
import { type TestNamespace, testNamespace } from '../servers/temporal.ts'
import { type FakeLog, type FakeRun, fakeActivities, second } from './fakeActivities.ts'
import { recordHistory } from './historyFile.ts'
import { quietRuntime } from './quietRuntime.ts'

const describeOnTemporal = await describeOn('temporal')

describeOnTemporal('the shapes of a run', () => {
  let temporal: TestNamespace
  let native: NativeConnection
  let connection: Connection
  let client: Client
  let workflowBundle: { code: string }

  beforeAll(async () => {
    quietRuntime()
    ;[temporal, workflowBundle] = await Promise.all([testNamespace(), bundleWorkflows()])
    native = await NativeConnection.connect({ address: temporal.address })
    connection = await Connection.connect({ address: temporal.address })
    client = new Client({ connection, namespace: temporal.namespace })
  })
  afterAll(async () => {
    await native?.close()
    await connection?.close()
  })

  interface Shape {
    log: FakeLog
    handle: WorkflowHandle
    result: unknown
    progress(): Promise<RunProgress>
    status(): Promise<string>
    events(): Promise<number>
  }

  /** Runs one sync on fakes to its end; `meanwhile` may send signals. */
  async function shape(
    name: string,
    fake: FakeRun,
    meanwhile?: (shape: Shape) => Promise<void>,
    args: unknown[] = [{ sync: name, kind: 'manual' }],
  ): Promise<Shape> {
    const { activities, log } = fakeActivities(fake)
    const worker = await Worker.create({
      connection: native,
      namespace: temporal.namespace,
      taskQueue: name,
      workflowBundle,
      activities,
      stickyQueueScheduleToStartTimeout: '2s',
      maxHeartbeatThrottleInterval: '200ms',
    })
    const workflowId = `sync/${name}/manual`
    const shape: Shape = {
      log,
      handle: client.workflow.getHandle(workflowId),
      result: undefined,
      progress: () => shape.handle.query<RunProgress>('progress'),
      status: async () => (await shape.handle.describe()).status.name,
      events: async () => (await shape.handle.fetchHistory()).events!.length,
    }
    await worker.runUntil(async () => {
      const handle = await client.workflow.start(syncRunType, {
        workflowId,
        taskQueue: name,
        args,
        workflowIdConflictPolicy: 'USE_EXISTING',
      })
      const result = handle.result().catch((error) => error)
      await meanwhile?.(shape)
      shape.result = await result
    })
    await recordHistory(client, workflowId, name)
    return shape
  }

  const failureOf = (result: unknown) => {
    expect(result).toBeInstanceOf(WorkflowFailedError)
    return (result as WorkflowFailedError).cause as ApplicationFailure
  }
  /** Says that extract is there, and holds it, for ever unless told otherwise. */
  const halt = (there: PromiseWithResolvers<void>, until: Promise<void> = new Promise(() => {})) => {
    there.resolve()
    return until
  }
  const sources = (log: FakeLog) => log.applied.map(({ source }) => source)
  const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

  test('§4: every batch is applied once, in order, though filters end in another', async () => {
    const { log, result } = await shape('complete', {
      batches: 25,
      on: { filter: ({ batch }) => new Promise((resolve) => setTimeout(resolve, (batch % 3) * 20)) },
    })
    expect(result).toMatchObject({ outcome: 'finished', status: 'success', rowsRead: 250 })
    expect(sources(log)).toEqual(upTo(25))
    expect(log.commits.map(({ lastBatch, boundary, free }) => [lastBatch, boundary?.updatedAt, free.length])).toEqual([
      [9, second(9), 20],
      [19, second(19), 20],
      [24, second(24), 10],
    ])
    expect(log.finishes).toMatchObject([{ status: 'success', warnings: [] }])
  })

  test('a run that finds nothing new costs few events and no commit', async () => {
    const started = performance.now()
    const { log, events } = await shape('nothing-new', { batches: 0 })
    expect(performance.now() - started).toBeLessThan(5000)
    expect(log.commits).toEqual([])
    expect(await events()).toBeLessThanOrEqual(31)
  })

  test('§5: between segments the workflow continues as new, and goes on from the last boundary', async () => {
    const { log, result, handle } = await shape('segments', { batches: 7, settings: { batchesPerSegment: 3 } })
    expect(result).toMatchObject({ outcome: 'finished', rowsRead: 70 })
    expect(sources(log)).toEqual(upTo(7))
    expect(log.extracts.map(({ segment, from, opening }) => [segment, from, opening])).toEqual([
      [0, 0, true],
      [1, 3, false],
      [2, 6, false],
    ])
    expect(log.connects).toBe(1)
    // The first execution's run id is the run's id over all of them.
    expect(new Set(log.commits.map(({ run }) => run.runId)).size).toBe(1)
    expect((await handle.describe()).runId).not.toBe(log.commits[0]!.run.runId)
  })

  test('§7: a sync that another run holds is skipped: no row, no failure', async () => {
    const { log, result } = await shape('skipped', {
      batches: 3,
      on: { connect: () => ({ claimed: false, holder: 'other' }) },
    })
    expect(result).toEqual({ outcome: 'skipped', reason: 'another job is in progress', holder: 'other' })
    expect(log.finishes).toEqual([])
  })

  test('§8: pause stops at a batch, commits what is applied, waits; resume connects again and goes on', async () => {
    const there = Promise.withResolvers<void>()
    const fake: FakeRun = {
      batches: 8,
      schema: 1,
      on: { offer: (batch) => (batch === 4 && fake.schema === 1 ? halt(there) : undefined) },
    }
    const { log, result } = await shape('pause-resume', fake, async ({ handle, progress, log }) => {
      await there.promise
      await handle.signal('pause', { reason: 'new fields', by: 'anna' })
      await vi.waitFor(async () => expect(await progress()).toMatchObject({ phase: 'paused' }), {
        timeout: 10_000,
        interval: 50,
      })
      expect(await progress()).toMatchObject({
        paused: { reason: 'new fields', by: 'anna' },
        batchesApplied: 4,
        watermark: second(3),
        waitingFor: 'a `resume` signal',
      })
      expect(log.commits.at(-1)).toMatchObject({ status: 'paused', pausedBecause: 'new fields (anna)' })
      // Odd and repeated signals change nothing.
      for (const input of [undefined, null, 7, 'text', { reason: 9 }, ['x']]) await handle.signal('pause', input)
      expect(await progress()).toMatchObject({ phase: 'paused', paused: { reason: 'new fields' } })
      fake.schema = 2
      for (const input of [{ by: 'anna' }, 'text', undefined]) await handle.signal('resume', input)
    })
    expect(result).toMatchObject({ outcome: 'finished', status: 'success' })
    expect(sources(log)).toEqual(upTo(8))
    expect(log.applied.map(({ schema }) => schema)).toEqual([1, 1, 1, 1, 2, 2, 2, 2])
    expect(log.connects).toBe(2)
  })

  test('§8: a pause before the sync is claimed holds too, and signals of any form do no harm', async () => {
    let release!: () => void
    const held = new Promise<undefined>((resolve) => {
      release = () => resolve(undefined)
    })
    const { log } = await shape(
      'pause-before-connect',
      { batches: 2, on: { connect: () => held } },
      async ({ handle, progress }) => {
        await handle.signal('resume')
        await handle.signal('pause')
        release()
        await vi.waitFor(async () => expect(await progress()).toMatchObject({ phase: 'paused' }), {
          timeout: 10_000,
          interval: 50,
        })
        expect(await progress()).toMatchObject({ paused: { by: 'somebody' }, batchesExtracted: 0 })
        await handle.signal('resume')
      },
    )
    expect(log.commits[0]).toMatchObject({ status: 'paused', lastBatch: -1 })
    expect(sources(log)).toEqual([0, 1])
  })

  test.each([
    [['pause', 'resume'], false],
    [['resume', 'pause'], true],
    [['pause', 'resume', 'pause'], true],
    [['pause', 'unheard-of', 'resume', 'resume'], false],
  ] as const)('§8: signals that came before any worker keep their order: %j', async (signals, paused) => {
    const name = `early-${signals.join('-')}`
    const handle = await client.workflow.start(syncRunType, {
      workflowId: `sync/${name}/manual`,
      taskQueue: name,
      args: [{ sync: name, kind: 'manual' }],
    })
    for (const signal of signals) await handle.signal(signal)
    const { log } = await shape(name, { batches: 1 }, async ({ progress }) => {
      await vi.waitFor(async () => expect(await progress()).toMatchObject({ phase: paused ? 'paused' : 'done' }), {
        timeout: 10_000,
        interval: 100,
      })
      await handle.signal('resume').catch(() => {})
    })
    expect(log.commits.some(({ status }) => status === 'paused')).toBe(paused)
  })

  test('§8: a signal whose payload cannot be read pauses all the same', async () => {
    const { log } = await shape(
      'undecodable-signal',
      { batches: 1, on: { offer: () => new Promise((resolve) => setTimeout(resolve, 1500)) } },
      async ({ handle, progress }) => {
        const payload = (encoding: string) => ({
          metadata: { encoding: Buffer.from(encoding) },
          data: Buffer.from('{nonsense'),
        })
        const signal = (signalName: string, encoding: string) =>
          client.workflowService.signalWorkflowExecution({
            namespace: temporal.namespace,
            workflowExecution: { workflowId: handle.workflowId },
            signalName,
            input: { payloads: [payload(encoding)] },
          })
        await signal('pause', 'json/plain')
        await vi.waitFor(async () => expect(await progress()).toMatchObject({ phase: 'paused' }), {
          timeout: 10_000,
          interval: 100,
        })
        await signal('pause', 'binary/unheard-of')
        await signal('resume', 'binary/unheard-of')
      },
    )
    expect(sources(log)).toEqual([0])
  }, 20_000)

  test('§8: a pause while extract waits to be retried does not wait for it', async () => {
    let down = true
    const fake: FakeRun = {
      batches: 2,
      on: {
        offer: () => {
          if (down) throw new SluiceError('source_unavailable')
        },
      },
    }
    const { log } = await shape('pause-in-back-off', fake, async ({ handle, progress, log }) => {
      await vi.waitFor(() => expect(log.extracts.length).toBeGreaterThanOrEqual(3), { timeout: 20_000 })
      await handle.signal('pause', { reason: 'maintenance', by: 'ops' })
      await vi.waitFor(async () => expect(await progress()).toMatchObject({ phase: 'paused' }), {
        timeout: 3000,
        interval: 50,
      })
      down = false
      await handle.signal('resume')
    })
    expect(sources(log)).toEqual([0, 1])
  })

  test('a cancelled run applies and commits what is in flight, then ends as Canceled', async () => {
    const there = Promise.withResolvers<void>()
    const { log, result, status } = await shape(
      'cancel',
      { batches: 9, on: { offer: (batch) => (batch === 5 ? halt(there) : undefined) } },
      async ({ handle }) => {
        await there.promise
        await handle.cancel()
      },
    )
    expect((result as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure)
    expect(await status()).toBe('CANCELLED')
    expect(sources(log)).toEqual(upTo(5))
    expect(log.commits.at(-1)).toMatchObject({ boundary: { updatedAt: second(4) } })
    expect(log.finishes).toMatchObject([{ status: 'cancelled' }])
  })

  test('a paused run can be cancelled', async () => {
    const { log, status } = await shape('cancel-paused', { batches: 3 }, async ({ handle, progress }) => {
      await handle.signal('pause')
      await vi
        .waitFor(async () => expect(await progress()).toMatchObject({ phase: 'paused' }), {
          timeout: 10_000,
          interval: 50,
        })
        .catch(() => {})
      await handle.cancel()
    })
    expect(await status()).toBe('CANCELLED')
    expect(log.finishes).toMatchObject([{ status: 'cancelled' }])
  })

  test('§8: under a newer schema this batch and those after it are filtered again', async () => {
    let inForce = 1
    const { log, result } = await shape('schema-change', {
      batches: 6,
      on: {
        apply: ({ batch, schema }) => {
          if (batch === 2) inForce = 2
          return schema === inForce ? undefined : { applied: false, schema: inForce }
        },
      },
    })
    expect(result).toMatchObject({ outcome: 'finished' })
    expect(log.applied.map(({ source, schema }) => [source, schema])).toEqual([
      [0, 1],
      [1, 1],
      [2, 2],
      [3, 2],
      [4, 2],
      [5, 2],
    ])
  })

  test('a later attempt of extract goes on after what the earlier ones offered', async () => {
    const { log, result } = await shape('retried-extract', {
      batches: 6,
      on: {
        offer: (batch, attempt) => {
          if (batch === 3 && attempt === 1) throw new SluiceError('source_interrupted')
        },
      },
    })
    expect(result).toMatchObject({ outcome: 'finished' })
    expect(log.extracts.map(({ attempt, from }) => [attempt, from])).toEqual([
      [1, 0],
      [2, 3],
    ])
    expect(log.applied.map(({ batch }) => batch)).toEqual(upTo(6))
  })

  test('claims and offers of stale attempts, other segments and strangers are refused', async () => {
    const there = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    await shape(
      'stale-attempt',
      { batches: 3, on: { offer: (batch) => (batch === 2 ? halt(there, held.promise) : undefined) } },
      async ({ handle, log }) => {
        await there.promise
        const ref = { uri: 'stage:9', rows: 10, bytes: 1, sha256: 'f'.repeat(64) }
        const refused = [
          handle.executeUpdate('claim', { args: [{ segment: 0, attempt: 0 }] }),
          handle.executeUpdate('claim', { args: [{ segment: 7, attempt: 1 }] }),
          handle.executeUpdate('claim', { args: ['nonsense'] }),
          handle.executeUpdate('offer', { args: [{ segment: 0, attempt: 1, batch: 0, ref }] }),
          handle.executeUpdate('offer', { args: [{ segment: 0, attempt: 2, batch: 2, ref }] }),
          handle.executeUpdate('offer', { args: [{ segment: 0, attempt: 1, batch: 2 }] }),
          handle.executeUpdate('offer', { args: [] }),
        ]
        for (const update of await Promise.allSettled(refused))
          expect(update).toMatchObject({ reason: { cause: { type: 'StaleAttempt' } } })
        held.resolve()
        await vi.waitFor(() => expect(sources(log)).toEqual([0, 1, 2]), { timeout: 10_000 })
      },
    )
  })

  test('§2: past the stop threshold nothing more is applied or committed', async () => {
    const { log, result } = await shape('stop-threshold', {
      batches: 20,
      rejectedPerBatch: 1,
      settings: { stopWhen: { rejectedRows: 12 } },
    })
    expect(failureOf(result)).toMatchObject({ type: 'too_many_rejected', nonRetryable: true })
    expect(sources(log)).toEqual(upTo(13))
    expect(log.commits.map(({ lastBatch }) => lastBatch)).toEqual([9])
    expect(log.finishes).toMatchObject([{ status: 'error', error: { code: 'too_many_rejected' } }])
  })

  test('a damaged staged batch is read again from the source, and later ones are not applied before it', async () => {
    let damaged = true
    const { log, result } = await shape('damaged-stage', {
      batches: 6,
      on: {
        filter: ({ batch, segment }) => {
          if (batch !== 2 || segment !== 0 || !damaged) return
          damaged = false
          throw new SluiceError('stage_corrupt')
        },
      },
    })
    expect(result).toMatchObject({ outcome: 'finished', status: 'success' })
    expect(sources(log)).toEqual(upTo(6))
    expect(log.extracts.map(({ segment, from }) => [segment, from])).toEqual([
      [0, 0],
      [1, 2],
    ])
  })

  test('a stage that damages every batch ends the run at last', async () => {
    const { log, result } = await shape('damaged-for-good', {
      batches: 6,
      on: {
        apply: () => {
          throw new SluiceError('stage_corrupt')
        },
      },
    })
    expect(failureOf(result)).toMatchObject({ type: 'stage_corrupt' })
    expect(log.extracts.length).toBe(6)
    expect(log.finishes).toMatchObject([{ status: 'error', error: { code: 'stage_corrupt' } }])
  })

  test('§7: what a person must mend ends the run at once, with a sentence that says what to do', async () => {
    const { log, result, status } = await shape('config-error', {
      batches: 3,
      on: {
        offer: () => {
          throw new SluiceError('object_missing', '(public.accounts)')
        },
      },
    })
    expect(failureOf(result)).toMatchObject({
      type: 'object_missing',
      message: expect.stringMatching(/public\.accounts.*Check its name/),
    })
    expect(await status()).toBe('FAILED')
    expect(log.extracts.length).toBe(1)
    expect(log.finishes).toMatchObject([{ status: 'config_error', error: { code: 'object_missing' } }])
  })

  test('§7: what time mends is retried; errors that nobody foresaw a bounded number of times, without their words', async () => {
    const { log, result } = await shape('retried-apply', {
      batches: 2,
      on: {
        apply: ({ batch }, attempt) => {
          if (batch === 0 && attempt < 3) throw new SluiceError('store_conflict')
          if (batch === 1) throw new TypeError('Cannot read "Secret Name Ltd"')
          return undefined
        },
      },
    })
    expect(sources(log)).toEqual([0])
    expect(failureOf(result)).toMatchObject({ type: 'internal', message: expect.stringContaining('TypeError') })
    expect(log.commits).toMatchObject([{ boundary: { updatedAt: second(0) } }])
  })

  test('§7: a limit ends the run at a committed point', async () => {
    const { log, result } = await shape('limit', { batches: 3, on: { extracted: () => 'query_timeout' } })
    expect(failureOf(result)).toMatchObject({ type: 'query_timeout' })
    expect(log.commits.at(-1)).toMatchObject({ boundary: { updatedAt: second(2) } })
    expect(log.finishes).toMatchObject([{ status: 'limit_exceeded', error: { code: 'query_timeout' } }])
  })

  test('a run started with nonsense fails at once and says what to give it', async () => {
    const { result } = await shape('bad-input', { batches: 0 }, async () => {}, ['nonsense'])
    expect(failureOf(result)).toMatchObject({ type: 'config_invalid', message: expect.stringContaining('"sync"') })
  })

  test('a run that lost its sync writes nothing more', async () => {
    const { log, result } = await shape('lost', {
      batches: 3,
      on: {
        apply: () => {
          throw new SluiceError('run_lost')
        },
      },
    })
    expect(failureOf(result)).toMatchObject({ type: 'run_lost' })
    expect(log.commits).toEqual([])
    expect(log.finishes).toEqual([])
  })
})
