import { connect, createServer } from 'node:net'
import { SluiceError } from '@sluice/core/faults'

const loopback = '127.0.0.1'

export interface PortWish {
  /** Whose port, in words: `PostgreSQL`, `the Temporal UI`. */
  of: string
  /** Asked for by flag or environment: this one or none. */
  asked?: number
  /** How to ask for another: `--postgres-port or SLUICE_POSTGRES_PORT`. */
  askedBy: string
  /** Taken when none was asked for and it is free; else any free one. */
  preferred: number
}

/** @throws SluiceError `port_busy` when the port that was asked for is taken. */
export async function choosePort(wish: PortWish, say: (line: string) => void): Promise<number> {
  if (wish.asked !== undefined) {
    if (await isFree(wish.asked)) return wish.asked
    throw new SluiceError(
      'port_busy',
      `Port ${wish.asked} of ${loopback}, wanted for ${wish.of}, is in use; ask for another by ${wish.askedBy}.`,
    )
  }
  if (await isFree(wish.preferred)) return wish.preferred
  const port = await freePort()
  say(`Port ${wish.preferred} is in use: ${wish.of} listens on ${port}.`)
  return port
}

/** Any free port of 127.0.0.1. */
export async function freePort(): Promise<number> {
  const server = await listen(0)
  const { port } = server!.address() as { port: number }
  await new Promise((resolve) => server!.close(resolve))
  return port
}

export async function isFree(port: number): Promise<boolean> {
  // Some systems let us listen beside a server that listens on all addresses: ask whether somebody answers, too.
  if (await answers(port)) return false
  const server = await listen(port)
  if (server === undefined) return false
  await new Promise((resolve) => server.close(resolve))
  return true
}

async function listen(port: number) {
  const server = createServer()
  return new Promise<typeof server | undefined>((resolve) => {
    server.once('error', () => resolve(undefined))
    server.listen({ port, host: loopback, exclusive: true }, () => resolve(server))
  })
}

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: loopback })
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket
      .once('connect', () => end(true))
      .once('error', () => end(false))
      .setTimeout(1_000, () => end(true))
  })
}
