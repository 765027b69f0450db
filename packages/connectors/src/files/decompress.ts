import { pipeline, Readable, type Transform } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { FileFault } from '@sluice/core/source/fileSource'
import type { Compression } from './fileName.ts'
import { zstdFrames } from './zstdFrames.ts'

const chunkSize = 128 * 1024

/**
 * Several members or frames, one behind the other, are one content.
 * @throws FileFault `invalid_compression`, also where the end is missing; whatever reading `bytes` throws
 */
export async function* decompress(
  bytes: AsyncIterable<Uint8Array>,
  compression: Compression,
): AsyncGenerator<Uint8Array, void, undefined> {
  // The decompressors let an empty file pass, which is no compressed one.
  const some = notEmpty(bytes)
  switch (compression) {
    case 'gzip':
      return yield* through(some, createGunzip({ chunkSize }))
    case 'zstd':
      for await (const frame of zstdFrames(some)) yield* through(frame, createZstdDecompress({ chunkSize }))
  }
}

async function* through(
  bytes: AsyncIterable<Uint8Array>,
  decompressor: Transform,
): AsyncGenerator<Uint8Array, void, undefined> {
  // `pipeline` hands an error of the source on to the decompressor, where the iteration meets it.
  pipeline(Readable.from(bytes, { objectMode: false }), decompressor, () => {})
  try {
    yield* decompressor as AsyncIterable<Uint8Array>
  } catch (error) {
    if (/^(Z_|ZSTD_|ERR_)/.test((error as NodeJS.ErrnoException).code ?? '')) throw new FileFault('invalid_compression')
    throw error
  }
}

async function* notEmpty(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let isEmpty = true
  for await (const chunk of bytes) {
    isEmpty &&= chunk.length === 0
    yield chunk
  }
  if (isEmpty) throw new FileFault('invalid_compression')
}
