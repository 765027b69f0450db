import { fail } from './output/failure.ts'
import { program } from './program.ts'

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
