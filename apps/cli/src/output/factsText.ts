/** What `sluice doctor` knows of a part, in words. */
export function factsText(facts: Readonly<Record<string, unknown>>): string {
  return Object.entries(facts)
    .map(([fact, value]) => words[fact]?.(value) ?? `${fact.replaceAll('_', ' ')} ${value}`)
    .join(', ')
}

const words: Readonly<Record<string, (value: unknown) => string>> = {
  address: String,
  url: String,
  ui_url: (url) => `UI ${url}`,
  server_version: (version) => `server ${version}`,
  bytes_free: (bytes) => `${(Number(bytes) / 1e9).toFixed(Number(bytes) < 1e10 ? 1 : 0)} GB free`,
  made: () => 'not there yet: a worker makes it when it starts',
  workers: (workers) => ((workers as string[]).length === 0 ? 'no worker' : (workers as string[]).join(', ')),
  skew_ms: (ms) => `the clock of the store is ${(Math.abs(Number(ms)) / 1000).toFixed(1)} s off`,
  node: (version) => `Node ${version}`,
  store: (version) => `store at version ${version}`,
  store_expected: (version) => `${version} expected`,
}
