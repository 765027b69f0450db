import { defineConfig } from 'vitest/config'

// What every project shares. Tests run the sources themselves, of every package: no build stands between an edit and its test.
export default defineConfig({
  resolve: { conditions: ['sluice-source'] },
  ssr: { resolve: { conditions: ['sluice-source'], externalConditions: ['sluice-source'] } },
  // Time-outs are for what hangs, not for machines that are busy.
  test: { exclude: ['**/node_modules/**', '**/dist/**'], testTimeout: 30_000 },
})
