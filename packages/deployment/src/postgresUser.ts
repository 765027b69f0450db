import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { SluiceError } from '@sluice/core/faults'

/** Where root's PostgreSQL lives when the user `postgres` cannot reach the home or the binaries. */
const systemFolder = '/var/lib/sluice'

export interface PostgresUser {
  uid: number
  gid: number
}

/** PostgreSQL refuses to run as root: then it runs as the user `postgres`, made if need be. Undefined: as ourselves. */
export function postgresUser(): PostgresUser | undefined {
  if (process.getuid?.() !== 0) return undefined
  const found = lookUp()
  if (found) return found
  try {
    execFileSync('groupadd', ['--system', '--force', 'postgres'], { stdio: 'pipe' })
    execFileSync(
      'useradd',
      ['--system', '--gid', 'postgres', '--no-create-home', '--home-dir', '/nonexistent', 'postgres'],
      {
        stdio: 'pipe',
      },
    )
  } catch (cause) {
    throw new SluiceError(
      'server_failed',
      'PostgreSQL does not run as root, and the user `postgres` could not be made: add it, or run as another user.',
      { cause },
    )
  }
  return lookUp()
}

function lookUp(): PostgresUser | undefined {
  const id = (option: string) => spawnSync('id', [option, 'postgres'], { encoding: 'utf8' })
  const uid = id('-u')
  if (uid.status !== 0) return undefined
  return { uid: Number(uid.stdout), gid: Number(id('-g').stdout) }
}

/**
 * The folder for a cluster, made if need be: `wanted`, or one under /var/lib/sluice when a parent of `wanted` (such as
 * /root) is closed to the user `postgres`.
 */
export function reachableFolder(wanted: string, user: PostgresUser | undefined): string {
  mkdirSync(wanted, { recursive: true, mode: 0o700 })
  if (!user) return wanted
  chownSync(wanted, user.uid, user.gid)
  if (mayUse(wanted, user)) return wanted
  const folder = path.join(systemFolder, createHash('sha256').update(wanted).digest('hex').slice(0, 12))
  mkdirSync(systemFolder, { recursive: true, mode: 0o755 })
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  chownSync(folder, user.uid, user.gid)
  return folder
}

/** The folder of PostgreSQL's binaries: as installed, or a copy that the user `postgres` can reach. */
export function reachableBinaries(native: string, version: string, user: PostgresUser | undefined): string {
  if (!user || mayUse(path.join(native, 'bin', 'postgres'), user)) return native
  const copy = path.join(systemFolder, `postgresql-${version}`)
  if (!existsSync(copy)) {
    mkdirSync(systemFolder, { recursive: true, mode: 0o755 })
    const aside = mkdtempSync(`${copy}.`)
    cpSync(native, path.join(aside, 'native'), { recursive: true, verbatimSymlinks: true })
    try {
      renameSync(path.join(aside, 'native'), copy)
    } catch (error) {
      if (!existsSync(copy)) throw error // else somebody else was first
    }
    rmSync(aside, { recursive: true, force: true })
  }
  return copy
}

/** Asked of the system itself: permissions of every parent, groups and access lists count. */
function mayUse(file: string, user: PostgresUser): boolean {
  return spawnSync('test', ['-x', file], { ...user, stdio: 'ignore' }).status === 0
}
