const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** The text of a valid JSON string that stands, with its quotes, in `bytes[start, end)`. A lone surrogate stays one. */
export function decodeString(bytes: Uint8Array, start: number, end: number): string {
  const text = decoder.decode(bytes.subarray(start + 1, end - 1))
  return text.includes('\\') ? JSON.parse(`"${text}"`) : text
}
