/** Any text as one word of a POSIX shell, to be pasted into a command. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
