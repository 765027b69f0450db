import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { choosePort, freePort } from './ports.ts'

const said: string[] = []
const say = (line: string) => void said.push(line)

test('a port that was asked for is this one or an error with its remedy', async () => {
  const free = await freePort()
  expect(await choosePort({ of: 'PostgreSQL', asked: free, askedBy: '--p or P', preferred: 1 }, say)).toBe(free)
  const busy = await occupy()
  await expect(choosePort({ of: 'PostgreSQL', asked: busy, askedBy: '--p or P', preferred: 1 }, say)).rejects.toThrow(
    `Port ${busy} of 127.0.0.1, wanted for PostgreSQL, is in use; ask for another by --p or P.`,
  )
})

test('a preferred port that is busy is replaced, which is said', async () => {
  const busy = await occupy()
  const port = await choosePort({ of: 'Temporal', askedBy: '--p or P', preferred: busy }, say)
  expect(port).not.toBe(busy)
  expect(said).toEqual([`Port ${busy} is in use: Temporal listens on ${port}.`])
})

async function occupy(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as { port: number }).port
}
