import { FileFault } from '@sluice/core/source/fileSource'

const frameMagic = 0xfd2fb528
/** The last four bits are free. */
const skippableMagic = 0x184d2a50

/**
 * The frames of zstd data (RFC 8878), one iterable for each, without the skippable ones. Node's decompressor takes the end
 * of the first frame for the end of all, without a word. Each frame must be read to its end before the next is asked for.
 * @throws FileFault `invalid_compression`
 */
export async function* zstdFrames(
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<AsyncIterable<Uint8Array>, void, undefined> {
  const chunks = bytes[Symbol.asyncIterator]()
  const cursor = new Cursor(chunks)
  try {
    while (!(await cursor.isAtEnd())) {
      const head = await cursor.take(4)
      const magic = head.readUInt32LE()
      if (magic === frameMagic) yield frame(cursor, head)
      else if ((magic & ~0xf) >>> 0 === skippableMagic) {
        const size = (await cursor.take(4)).readUInt32LE()
        for await (const _ of cursor.pass(size));
      } else throw new FileFault('invalid_compression')
    }
  } finally {
    await chunks.return?.()
  }
}

async function* frame(cursor: Cursor, magic: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  const descriptor = await cursor.take(1)
  const flags = descriptor[0]!
  const isSingleSegment = (flags & 0x20) !== 0
  const windowBytes = isSingleSegment ? 0 : 1
  const dictionaryBytes = [0, 1, 2, 4][flags & 3]!
  const contentSizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][flags >> 6]!
  yield Buffer.concat([magic, descriptor, await cursor.take(windowBytes + dictionaryBytes + contentSizeBytes)])
  for (;;) {
    const header = await cursor.take(3)
    const bits = header.readUIntLE(0, 3)
    yield header
    const isRunLength = ((bits >> 1) & 3) === 1
    yield* cursor.pass(isRunLength ? 1 : bits >> 3)
    if ((bits & 1) === 1) break
  }
  const hasChecksum = (flags & 4) !== 0
  if (hasChecksum) yield* cursor.pass(4)
}

/** Reads by number of bytes what comes in chunks of any size. */
class Cursor {
  readonly #chunks: AsyncIterator<Uint8Array>
  #chunk: Uint8Array = new Uint8Array(0)

  constructor(chunks: AsyncIterator<Uint8Array>) {
    this.#chunks = chunks
  }

  async isAtEnd(): Promise<boolean> {
    while (this.#chunk.length === 0) {
      const next = await this.#chunks.next()
      if (next.done) return true
      this.#chunk = next.value
    }
    return false
  }

  async take(count: number): Promise<Buffer> {
    const pieces: Uint8Array[] = []
    for await (const piece of this.pass(count)) pieces.push(piece)
    return Buffer.concat(pieces)
  }

  async *pass(count: number): AsyncGenerator<Uint8Array, void, undefined> {
    let left = count
    while (left > 0) {
      if (await this.isAtEnd()) throw new FileFault('invalid_compression')
      const piece = this.#chunk.subarray(0, left)
      this.#chunk = this.#chunk.subarray(piece.length)
      left -= piece.length
      yield piece
    }
  }
}
