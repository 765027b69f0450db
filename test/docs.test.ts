import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

const root = path.resolve(import.meta.dirname, '..')
const read = (page: string) => readFileSync(path.join(root, page), 'utf8')
const pages = globSync(['*.md', 'docs/**/*.md', 'apps/*/*.md', 'packages/*/*.md'], { cwd: root })

test.each(pages)('every link in %s leads somewhere', (page) => {
  const broken = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link]) => link!)
    .filter((link) => !/^[a-z]+:/.test(link) && !resolves(page, link))
  expect(broken).toEqual([])
})

function resolves(page: string, link: string): boolean {
  const [file, anchor] = link.split('#')
  const target = file === '' ? page : path.join(path.dirname(page), file!)
  if (!existsSync(path.join(root, target))) return false
  return anchor === undefined || anchors(target).includes(anchor)
}

/** As GitHub makes them of headings. */
function anchors(page: string): string[] {
  return [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

test.each(pages)('every command that %s names exists', (page) => {
  // Generated from the tree of commands.
  const commands = [...read('docs/commands.md').matchAll(/^## sluice (.+)$/gm)].map(([, words]) => words!)
  const nouns = new Set(commands.filter((words) => words.includes(' ')).map((words) => words.split(' ')[0]))
  const named = [...read(page).matchAll(/(?:`|\.\/|^ *\$ |→ |run |or )sluice ([a-z]+)(?: ([a-z-]+))?/gm)]
  const unknown = named
    .filter(([, noun, verb]) => !commands.includes(nouns.has(noun) ? `${noun} ${verb}` : noun!))
    .filter(([, noun, verb]) => verb !== undefined || !nouns.has(noun))
    .map(([text]) => text)
  expect(unknown).toEqual([])
})
