import { DefaultLogger, Runtime } from '@temporalio/worker'

/** Failures are what many of these tests are about: only what nobody asked for is worth a line. */
export function quietRuntime(): void {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: 'ERROR', forward: {} } },
  })
}
