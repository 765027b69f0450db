import { SluiceError } from '@sluice/core/faults'
import { expect, test } from 'vitest'
import { diagnose } from './doctor.ts'

async function stageFinding(stage: string | undefined) {
  const store = {
    query: () => Promise.reject(new SluiceError('store_unavailable')),
    end: () => Promise.resolve(),
  }
  const diagnosis = await diagnose({
    openStore: () => store as never,
    openTemporal: () => Promise.reject(new SluiceError('temporal_unavailable')),
    stage,
    temporalAddress: '127.0.0.1:1',
    temporalUi: undefined,
  })
  return diagnosis.stage
}

test.each(['s3://bucket/stage', '/srv/stage', 'file://host/stage'])(
  'a stage that no worker takes is not well: %s',
  async (stage) => {
    expect(await stageFinding(stage)).toMatchObject({
      ok: false,
      sentence: `SLUICE_STAGE must be of the form file:///absolute/folder, not "${stage}".`,
      remedy: expect.any(String),
    })
  },
)

test('a stage that is not named here is no fault', async () => {
  expect(await stageFinding(undefined)).toMatchObject({ ok: true, checked: false })
})
