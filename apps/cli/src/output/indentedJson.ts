/** JSON text with a line for each member. Every token stays as it is: numbers keep their digits. */
export function indentedJson(json: string): string {
  const tokens = json.match(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? []
  let depth = 0
  const line = () => `\n${'  '.repeat(depth)}`
  return tokens
    .map((token, index) => {
      switch (token) {
        case '{':
        case '[':
          depth++
          return isEnd(tokens[index + 1]) ? token : token + line()
        case '}':
        case ']':
          depth--
          return isBegin(tokens[index - 1]) ? token : line() + token
        case ',':
          return token + line()
        case ':':
          return ': '
        default:
          return token
      }
    })
    .join('')
}

function isBegin(token: string | undefined): boolean {
  return token === '{' || token === '['
}

function isEnd(token: string | undefined): boolean {
  return token === '}' || token === ']'
}
