import { defineConfig, mergeConfig } from 'vitest/config'
import project from '../vitest.project.ts'

export default mergeConfig(
  project,
  defineConfig({
    test: {
      globalSetup: 'servers/globalSetup.ts',
      testTimeout: 60_000,
      hookTimeout: 120_000,
      // On demand: `pnpm crash --rounds N --seed S`.
      exclude: process.env.CRASH_ROUNDS ? [] : ['crash/rounds.test.ts'],
    },
  }),
)
