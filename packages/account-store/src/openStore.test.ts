import { expect, test } from 'vitest'
import { openStore } from './openStore.ts'

test.each([
  'postgres://u:pa55word@host:notaport/x',
  'postgres://u:pa55word@host/x?sslmode=verify-full&sslrootcert=/nowhere/ca.pem',
  'host=localhost password=pa55word',
])('%s is refused by the name of its variable, without its password', (url) => {
  expect(() => openStore({ url })).toThrow(
    expect.objectContaining({ code: 'store_refused', message: expect.stringContaining('SLUICE_STORE_URL') }),
  )
  expect(() => openStore({ url })).toThrow(
    expect.not.objectContaining({ message: expect.stringContaining('pa55word') }),
  )
})

test.each(['postgres://u:p@localhost:5432/x', 'postgresql://u:p@[::1]/x?sslmode=disable', 'postgres:///x?host=/tmp'])(
  '%s is taken',
  async (url) => {
    await openStore({ url }).end()
  },
)
