/** One thing that is wrong with a configuration file. Never holds a value of the file, which might be a secret. */
export interface Problem {
  /** 1-based; absent if the file could not be read at all. */
  line?: number
  /** `syncs.crm.lookback`; empty for the whole file. */
  path: string
  /** What is wrong and what to write instead. */
  sentence: string
}

export class ConfigurationProblems extends Error {
  override readonly name = 'ConfigurationProblems'
  readonly file: string
  readonly problems: readonly Problem[]

  constructor(file: string, problems: readonly Problem[]) {
    super(problems.map((problem) => problemText(file, problem)).join('\n'))
    this.file = file
    this.problems = problems
  }
}

/** `sluice.yaml:12: syncs.crm.lookback: expected a duration such as "10m"` */
export function problemText(file: string, { line, path, sentence }: Problem): string {
  return `${file}${line === undefined ? '' : `:${line}`}: ${path === '' ? '' : `${path}: `}${sentence}`
}

/** Keys that are no plain words are quoted, so that a path reads unambiguously. */
export function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((key) => (typeof key === 'number' || /^[\w-]+$/.test(String(key)) ? String(key) : JSON.stringify(key)))
    .join('.')
}
