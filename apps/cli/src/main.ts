import { enableCompileCache } from 'node:module'
import { fail } from './output/failure.ts'
import { program } from './program.ts'

// The Temporal client alone is a third of a second of parsing and compiling; commands load it when they need it.
enableCompileCache()

// `sluice run list | head`: the reader has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(process.exitCode ?? 0)
})

try {
  await program().parseAsync()
} catch (error) {
  process.exitCode = fail(error, { json: process.argv.includes('--json'), debug: process.env.SLUICE_DEBUG === '1' })
}
