import { styleText } from 'node:util'
import { printable, shortened } from './printable.ts'

const columnCharactersMax = 60
/** Columns aligned; a column of numbers to the right; nothing stands to the right of the last. Ends with a line break. */
export function table(
  header: readonly string[],
  rows: readonly (readonly (string | number | null | undefined)[])[],
  { lastColumnCharactersMax = 160 }: { lastColumnCharactersMax?: number } = {},
): string {
  const cells = rows.map((row) =>
    row.map((cell, column) =>
      shortened(printable(text(cell)), column === header.length - 1 ? lastColumnCharactersMax : columnCharactersMax),
    ),
  )
  const widths = header.map((title, column) => Math.max(title.length, ...cells.map((row) => [...row[column]!].length)))
  const numeric = header.map((_, column) => {
    const given = rows.map((row) => row[column]).filter((cell) => cell != null)
    return given.length > 0 && given.every((cell) => typeof cell === 'number')
  })
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const blanks = ' '.repeat(widths[column]! - [...cell].length)
        return numeric[column] ? blanks + cell : cell + blanks
      })
      .join('  ')
      .trimEnd()
  return `${[styleText('dim', line(header), { stream: process.stdout }), ...cells.map(line)].join('\n')}\n`
}

function text(cell: string | number | null | undefined): string {
  if (cell === null || cell === undefined) return '–'
  return typeof cell === 'number' ? grouped(cell) : cell
}

/** 1,234,567 */
export function grouped(number: number): string {
  return number.toLocaleString('en')
}

/** `1 row`, `2 rows` */
export function counted(number: number, singular: string, plural = `${singular}s`): string {
  return `${grouped(number)} ${number === 1 ? singular : plural}`
}
