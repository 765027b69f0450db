import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  type Scalar,
} from 'yaml'
import type { Problem } from './problem.ts'
import { pathText } from './problem.ts'

export const fileBytesMax = 1024 * 1024
const depthMax = 100
/** Aliases repeat what they name: without bounds a short file could grow beyond any memory. */
const aliasesMax = 100
const valuesMax = 100_000

export interface YamlFile {
  /** Objects, arrays and scalars; a map of fields is a `Map`, since `__proto__` is a plain field name. */
  value: unknown
  problems: Problem[]
  /** The line of the key at the path, or of the nearest thing around it. */
  lineOf(path: readonly PropertyKey[]): number | undefined
}

/** Reads the text of a configuration file. Messages never quote it: what stands there might be a secret. */
export function readYaml(bytes: Uint8Array): YamlFile {
  const failed = (sentence: string, line?: number): YamlFile => ({
    value: undefined,
    problems: [{ path: '', sentence, ...(line !== undefined && { line }) }],
    lineOf: () => undefined,
  })
  if (bytes.byteLength > fileBytesMax) return failed('the file is larger than 1 MiB, which no configuration needs')
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return failed('the file is not UTF-8; save it as UTF-8')
  }

  const lines = new LineCounter()
  const lineAt = (offset: number) => lines.linePos(offset).line
  let documents: Document.Parsed[]
  try {
    documents = [
      ...parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false, logLevel: 'silent' }),
    ] as Document.Parsed[]
  } catch (error) {
    // The parser recurses: only a file nested thousands of levels deep gets here.
    if (error instanceof RangeError) return failed(`the file is nested more than ${depthMax} levels deep`)
    throw error
  }
  if (documents.length > 1) return failed('the file holds several YAML documents; keep one, without `---` between')
  const document = documents[0]
  const faults = document ? [...document.errors, ...document.warnings] : []
  if (faults.length > 0)
    return {
      ...failed(''),
      // One slip often breaks many lines after it: each kind is told once.
      problems: [...new Map(faults.toReversed().map((fault) => [sentenceOf(fault.code), fault]))].map(
        ([sentence, fault]) => ({ path: '', line: lineAt(fault.pos[0]), sentence }),
      ),
    }

  const problems: Problem[] = []
  let values = 0
  let aliases = 0
  const report = (node: Node | null | undefined, path: readonly PropertyKey[], sentence: string) => {
    const line = node?.range ? lineAt(node.range[0]) : undefined
    problems.push({ path: pathText(path), sentence, ...(line !== undefined && { line }) })
    return undefined
  }

  /** `fields`: a map of fields, whose values are `field`s. `schema`: the map that holds the outermost fields. */
  function plain(given: Node | null, path: PropertyKey[], kind: Kind): unknown {
    if (++values > valuesMax) {
      if (values === valuesMax + 1) report(given, path, 'the file is too large once its anchors are written out')
      return undefined
    }
    if (path.length > depthMax) return report(given, path.slice(0, 5), `nested more than ${depthMax} levels deep`)
    if (isAlias(given) && ++aliases > aliasesMax)
      return aliases === aliasesMax + 1 ? report(given, path, `more than ${aliasesMax} aliases (*name)`) : undefined
    const node = isAlias(given) ? given.resolve(document!) : given
    if (node === undefined) return report(given, path, sentences.BAD_ALIAS!)
    if (isScalar(node)) {
      if (kind === 'field') return { type: node.value }
      return node.value
    }
    if (isSeq(node)) return node.items.map((item, index) => plain(item as Node, [...path, index], 'any'))
    if (!isMap(node)) return undefined
    const seen = new Map<string, unknown>()
    for (const { key, value } of node.items as Pair<Node, Node | null>[]) {
      if (!isScalar(key)) {
        report(key, path, 'a key must be a plain word')
        continue
      }
      const name = keyText(key)
      // Whatever reads an object passes over such a key without a word.
      if (name === '__proto__' && kind !== 'fields')
        report(key, [...path, name], 'only a field of the account schema may be called so; choose another name')
      else if (seen.has(name)) report(key, [...path, name], 'the key is there twice; keep one of them')
      else seen.set(name, plain(value, [...path, name], childKind(kind, name)))
    }
    return kind === 'fields' ? seen : Object.fromEntries(seen)
  }

  return {
    value: plain(document?.contents ?? null, [], 'root') ?? {},
    problems,
    lineOf(path) {
      let node: unknown = document?.contents
      let offset = (node as Node | null)?.range?.[0]
      for (const name of path) {
        if (isAlias(node)) node = node.resolve(document!)
        if (isSeq(node)) {
          node = node.items[Number(name)]
          offset = (node as Node | undefined)?.range?.[0] ?? offset
        } else if (isMap(node)) {
          const pair = (node.items as Pair<Node, Node | null>[]).find(
            (item) => isScalar(item.key) && keyText(item.key) === name,
          )
          if (!pair) break
          offset = pair.key.range?.[0] ?? offset
          node = pair.value
        } else break
      }
      return offset === undefined ? undefined : lineAt(offset)
    },
  }
}

/** `2024: string` names the field "2024": keys are taken as they are spelled. */
function keyText(key: Scalar): string {
  return typeof key.value === 'string' ? key.value : (key.source ?? String(key.value))
}

type Kind = 'root' | 'schema' | 'fields' | 'field' | 'any'

function childKind(kind: Kind, key: string): Kind {
  if (kind === 'root' && key === 'schema') return 'schema'
  if (kind === 'fields') return 'field'
  if ((kind === 'schema' || kind === 'field') && key === 'fields') return 'fields'
  return 'any'
}

function sentenceOf(code: string): string {
  return sentences[code] ?? 'this is not valid YAML; check indentation, quotes and brackets nearby'
}

const sentences: Partial<Record<string, string>> = {
  TAB_AS_INDENT: 'a tab may not indent a line; use blanks',
  BAD_INDENT: 'this line is not indented like its neighbours, or a bracket above it is not closed',
  BAD_ALIAS: 'an alias (*name) has no anchor (&name) before it; quote the text if it only begins with `*`',
  TAG_RESOLVE_FAILED: 'tags (!name) are not used here; quote the text if it only begins with `!`',
  MISSING_CHAR: 'a closing quote, bracket, comma or colon is missing',
  BAD_SCALAR_START: 'a plain text cannot begin with this character; put it in quotes',
  BAD_DQ_ESCAPE: 'a double-quoted text has an escape that YAML does not know; use single quotes or write \\\\',
  MULTILINE_IMPLICIT_KEY: 'a key must stand on one line; is a colon or a quote missing above?',
  BLOCK_AS_IMPLICIT_KEY: 'a colon too many on this line; put texts that hold `: ` in quotes',
  RESOURCE_EXHAUSTION: `the file is nested more than ${depthMax} levels deep`,
}
