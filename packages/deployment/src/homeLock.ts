import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { SluiceError } from '@sluice/core/faults'
import { type Home, inHome } from './home.ts'
import { identifyProcess, isAlive, type ProcessIdentity } from './processIdentity.ts'

/**
 * Takes the home for this process; answers how to give it back. A holder that was killed loses it.
 *
 * The lock is a folder with one file, named after its holder. It is made aside and renamed, which fails while another
 * holds it; a dead holder's file is renamed to ours, which only one of many can do.
 * @throws SluiceError `up_running`, `home_unusable`
 */
export function lockHome(home: Home): () => void {
  return inHome(home, () => lock(home))
}

function lock(home: Home): () => void {
  const mine = nameOf(identifyProcess(process.pid)!)
  const aside = `${home.lock}.${process.pid}`
  rmSync(aside, { recursive: true, force: true })
  mkdirSync(aside)
  writeFileSync(path.join(aside, mine), '')
  try {
    while (!take(home, aside, mine));
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
  return () => {
    rmSync(path.join(home.lock, mine), { force: true })
    try {
      rmdirSync(home.lock)
    } catch {
      // Somebody else took it in the meantime.
    }
  }
}

function take(home: Home, aside: string, mine: string): boolean {
  try {
    renameSync(aside, home.lock)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error
  }
  try {
    const [theirs] = readdirSync(home.lock)
    if (theirs === undefined) return false
    const holder = holderOf(theirs)
    if (isAlive(holder)) {
      throw new SluiceError(
        'up_running',
        `It is process ${holder.pid}, in ${home.folder}; \`kill ${holder.pid}\` stops it.`,
      )
    }
    renameSync(path.join(home.lock, theirs), path.join(home.lock, mine))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

function nameOf({ pid, started }: ProcessIdentity): string {
  return `${pid}.${encodeURIComponent(started)}`
}

function holderOf(name: string): ProcessIdentity {
  const dot = name.indexOf('.')
  return { pid: Number(name.slice(0, dot)), started: decodeURIComponent(name.slice(dot + 1)) }
}
