/** PostgreSQL cuts longer names without an error, and would then find another object. */
const nameBytesMax = 63

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/**
 * Parts of a name as people write it: `a.b.c` splits at dots, `"a.b".c` keeps what is quoted, `""` inside quotes is a
 * quote. Each part is taken exactly as it stands: case counts, nothing is trimmed.
 * @throws Error with a sentence that says what is wrong with the name
 */
export function splitName(text: string): string[] {
  const parts: string[] = []
  let rest = text
  for (;;) {
    const part = /^(?:"((?:[^"]|"")*)"|([^".]*))(?=\.|$)/s.exec(rest)
    if (part === null) {
      throw new Error(
        rest.startsWith('"')
          ? 'it has a quoted part that is not closed, or text right behind one'
          : 'it has a quote inside a part; put the whole part in quotes and double the quote',
      )
    }
    parts.push(checkPart(part[1]?.replaceAll('""', '"') ?? part[2] ?? ''))
    if (part[0].length === rest.length) return parts
    rest = rest.slice(part[0].length + 1)
  }
}

function checkPart(part: string): string {
  if (part === '') throw new Error('it has an empty part')
  if (part.includes('\0')) throw new Error('it has a NUL character')
  if (Buffer.byteLength(part) > nameBytesMax) throw new Error(`it has a part of more than ${nameBytesMax} bytes`)
  return part
}
