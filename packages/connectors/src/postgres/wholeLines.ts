import { isUtf8 } from 'node:buffer'
import { SluiceError } from '@sluice/core/faults'

const lineFeed = 0x0a

/**
 * Cuts chunks at their last line feed and carries the rest into the next, without a look at single rows. COPY escapes
 * line feeds inside values, and ends every row with one.
 * @throws SluiceError `source_data_error` if the text is not UTF-8: a database of encoding SQL_ASCII sends whatever it holds
 */
export async function* wholeLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let rest: Buffer[] = []
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(lineFeed) + 1
    if (end === 0) {
      rest.push(chunk)
      continue
    }
    const head = chunk.subarray(0, end)
    const lines = rest.length === 0 ? head : Buffer.concat([...rest, head])
    rest = end === chunk.length ? [] : [chunk.subarray(end)]
    if (!isUtf8(lines)) throw new SluiceError('source_data_error', 'It sent text that is not UTF-8.')
    yield lines
  }
}

export function countLines(lines: Uint8Array): number {
  let count = 0
  for (let at = lines.indexOf(lineFeed); at !== -1; at = lines.indexOf(lineFeed, at + 1)) count++
  return count
}
