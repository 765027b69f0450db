import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'

const root = path.resolve(import.meta.dirname, '..')

/** Who may import whom; everything points toward core. A path names the only files of a package that may be imported. */
const arrows: Record<string, string[]> = {
  'packages/core': [],
  'packages/connectors': ['core'],
  'packages/stage': ['core'],
  'packages/account-store': ['core'],
  'packages/workflows': ['core'],
  'packages/deployment': ['core'],
  'packages/control': [
    'core',
    'connectors',
    'account-store',
    'workflows/messages',
    'workflows/names',
    'workflows/syncRunInput',
  ],
  'apps/worker': ['core', 'workflows', 'connectors', 'stage', 'account-store'],
  'apps/cli': ['core', 'control', 'deployment'],
}

const folders = globSync(['packages/*', 'apps/*'], { cwd: root })

test('every package has its arrows', () => {
  expect(folders.toSorted()).toEqual(Object.keys(arrows).toSorted())
})

describe.each(folders)('%s', (folder) => {
  const allowed = arrows[folder] ?? []
  const sources = globSync('src/**/*.ts', { cwd: path.join(root, folder) })
  const imports = sources.flatMap((file) =>
    importsOf(readFileSync(path.join(root, folder, file), 'utf8')).map((specifier) => ({ file, specifier })),
  )

  test('depends on what its arrows point to', () => {
    const manifest = JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8'))
    const packages = new Set(allowed.map((target) => target.split('/')[0]))
    const declared = Object.keys({
      ...manifest.dependencies,
      ...manifest.devDependencies,
      ...manifest.optionalDependencies,
    })
    expect(declared.flatMap(ownPackage).filter((name) => !packages.has(name))).toEqual([])
  })

  test('imports what its arrows point to', () => {
    const wrong = imports.filter(({ specifier }) =>
      ownPackage(specifier).some(
        (name) => !allowed.includes(name) && !allowed.includes(specifier.replace('@sluice/', '')),
      ),
    )
    expect(wrong).toEqual([])
  })

  test('leaves itself by package names alone', () => {
    const outside = imports.filter(
      ({ file, specifier }) =>
        specifier.startsWith('.') && path.join('src', path.dirname(file.slice(4)), specifier).startsWith('..'),
    )
    expect(outside).toEqual([])
  })
})

test('core imports nothing but itself: no Node, no zod, no I/O', () => {
  const specifiers = globSync('packages/core/src/**/*.ts', { cwd: root, exclude: ['**/*.test.ts'] }).flatMap((file) =>
    importsOf(readFileSync(path.join(root, file), 'utf8')),
  )
  expect(specifiers.filter((specifier) => !specifier.startsWith('.'))).toEqual([])
})

test('there are no barrels: a file is one noun or verb', () => {
  const barrels = globSync(['packages/*/src/**/*.ts', 'apps/*/src/**/*.ts'], { cwd: root }).filter(
    (file) =>
      path.basename(file) === 'index.ts' || /^export \* from/m.test(readFileSync(path.join(root, file), 'utf8')),
  )
  expect(barrels).toEqual([])
})

function importsOf(source: string): string[] {
  return [...source.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)].map(([, specifier]) => specifier!)
}

function ownPackage(specifier: string): string[] {
  return specifier.startsWith('@sluice/') ? [specifier.split('/')[1]!] : []
}
