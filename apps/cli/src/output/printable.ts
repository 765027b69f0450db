/** Text of a source, a file or a server as it may go to a terminal: control characters are spelled out. */
export function printable(text: string, { lines = false }: { lines?: boolean } = {}): string {
  const control = lines
    ? /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g
    : /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g
  return text.replace(control, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** At most so many characters, an ellipsis at the end if some are missing. */
export function shortened(text: string, charactersMax: number): string {
  const characters = [...text]
  return characters.length <= charactersMax ? text : `${characters.slice(0, charactersMax - 1).join('')}…`
}
