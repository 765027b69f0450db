const escapes: Record<string, string> = { b: '\b', t: '\t', n: '\n', v: '\v', f: '\f', r: '\r' }

/** Lines of PostgreSQL's COPY text format as columns of text; null for `\N`. */
export function parseCopyLines(bytes: Uint8Array): (string | null)[][] {
  const lines = new TextDecoder().decode(bytes).split('\n').slice(0, -1)
  return lines.map((line) =>
    line
      .split('\t')
      .map((column) =>
        column === '\\N' ? null : column.replace(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter),
      ),
  )
}
