/** The position behind the UTF-8 character of several bytes at `pos`; -1 if it is not valid (RFC 3629). */
export function afterCharacter(bytes: Uint8Array, pos: number, end: number): number {
  const first = bytes[pos]!
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  if (first < 0xc2 || first > 0xf4 || pos + length > end) return -1
  const second = bytes[pos + 1]!
  // Overlong forms, surrogates and what lies past U+10FFFF show in the second byte.
  const lowest = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  const highest = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  if (second < lowest || second > highest) return -1
  for (let i = pos + 2; i < pos + length; i++) {
    if ((bytes[i]! & 0xc0) !== 0x80) return -1
  }
  return pos + length
}
