import { isUtf8 } from 'node:buffer'
import type { BigIntStats } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { SluiceError } from '@sluice/core/faults'
import type { FileEntry, FileFormat } from '@sluice/core/source/fileSource'
import { isOfFormat } from '../files/fileName.ts'
import { folderFault } from './faults.ts'

/** The folder that a prefix such as `accounts/2026-` lies in, with `/` at its end; empty: the root itself. */
function folderOfPrefix(prefix: string): string {
  return prefix.slice(0, prefix.lastIndexOf('/') + 1)
}

/**
 * Files of the format whose key begins with the prefix, ordered by last-modified, then key. Symbolic links to files count
 * where they stay inside the root; links to folders are not followed, so that no file comes twice.
 * @throws SluiceError `folder_missing`, `permission_denied`, `config_invalid`
 */
export async function listFiles(
  root: string,
  { prefix, format }: { prefix: string; format: FileFormat },
  signal: AbortSignal,
): Promise<FileEntry[]> {
  const place = folderOfPrefix(prefix)
  if (
    place
      .split('/')
      .slice(0, -1)
      .some((part) => part === '' || part === '.' || part === '..')
  ) {
    throw new SluiceError(
      'config_invalid',
      `\`source.prefix\`: ${JSON.stringify(prefix)} must name what lies in the folder.`,
    )
  }
  const files: FileEntry[] = []
  try {
    const realRoot = await realpath(root)
    if (!isInside(realRoot, await realpath(join(root, place)))) {
      throw new SluiceError(
        'config_invalid',
        `\`source.prefix\`: ${JSON.stringify(prefix)} leads out of the folder by a link.`,
      )
    }
    const folders = [place]
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      signal.throwIfAborted()
      for (const dirent of await entries(join(root, folder), folder === place)) {
        const key = folder + dirent.name
        const isLink = dirent.isSymbolicLink()
        if (dirent.isDirectory()) {
          if (`${key}/`.startsWith(prefix)) folders.push(`${key}/`)
        } else if (
          (dirent.isFile() || isLink) &&
          key.startsWith(prefix) &&
          isOfFormat(key.slice(place.length), format)
        ) {
          const entry = await fileEntry(root, key, isLink ? realRoot : undefined)
          if (entry !== undefined) files.push(entry)
        }
      }
    }
  } catch (error) {
    throw folderFault(error)
  }
  return files.sort(byAgeThenKey)
}

export function versionOf(stats: BigIntStats): string {
  // The change time too: a program may write a file and put its modification time back.
  return `${stats.size}-${stats.mtimeNs}-${stats.ctimeNs}-${stats.ino}`
}

async function entries(path: string, required: boolean) {
  try {
    const found = await readdir(path, { withFileTypes: true, encoding: 'buffer' })
    return found.map((dirent) => {
      if (!isUtf8(dirent.name)) {
        throw new SluiceError(
          'config_invalid',
          `The folder ${path} holds a name that is not UTF-8: ${JSON.stringify(dirent.name.toString('latin1'))}. Rename it.`,
        )
      }
      return Object.assign(dirent, { name: dirent.name.toString('utf8') })
    })
  } catch (error) {
    // A folder below may be removed while the others are listed.
    if (!required && (error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Undefined where nothing that may be read is left: a file just removed, a link to nothing or out of the root. */
async function fileEntry(root: string, key: string, linkRoot: string | undefined): Promise<FileEntry | undefined> {
  const path = join(root, key)
  try {
    if (linkRoot !== undefined && !isInside(linkRoot, await realpath(path))) return undefined
    const stats = await stat(path, { bigint: true })
    if (!stats.isFile()) return undefined
    return { key, version: versionOf(stats), bytes: Number(stats.size), lastModifiedNs: String(stats.mtimeNs) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function isInside(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep)
}

function byAgeThenKey(a: FileEntry, b: FileEntry): number {
  const age = BigInt(a.lastModifiedNs) - BigInt(b.lastModifiedNs)
  if (age !== 0n) return age < 0n ? -1 : 1
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0
}
