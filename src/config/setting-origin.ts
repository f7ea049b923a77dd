import type { ConfigPath } from './schema-paths.ts'

/** Where the value of a setting comes from. */
export type SettingOrigin =
  | { readonly from: 'flag'; readonly name: string }
  | { readonly from: 'environment'; readonly name: string }
  | { readonly from: 'file'; readonly file: string; readonly line: number }
  | { readonly from: 'default'; readonly why?: string }

/** The value of one setting, with its origin. */
export type Setting = { readonly path: ConfigPath; readonly value: unknown; readonly origin: SettingOrigin }

/** An error in a config: origin, setting, reason and remedy. */
export type ConfigProblem = { readonly origin?: SettingOrigin; readonly path: ConfigPath; readonly message: string }

export function describeOrigin(origin: SettingOrigin): string {
  if (origin.from === 'flag') return `flag ${origin.name}`
  if (origin.from === 'environment') return `environment variable ${origin.name}`
  if (origin.from === 'file') return `${origin.file}:${origin.line}`
  return origin.why === undefined ? 'default' : `default (${origin.why})`
}

/** `sources[2].paths` */
export function describePath(path: ConfigPath): string {
  return path.map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index > 0 ? '.' : ''}${step}`)).join('')
}

/** The config cannot be used; one line for each problem. Never holds a value, which may be a secret. */
export class ConfigError extends Error {
  override name = 'ConfigError'
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[], options?: ErrorOptions) {
    super(problems.map(describeProblem).join('\n'), options)
    this.problems = problems
  }
}

export function describeProblem({ origin, path, message }: ConfigProblem): string {
  return [origin && origin.from !== 'default' ? describeOrigin(origin) : '', describePath(path), message]
    .filter((part) => part !== '')
    .join(': ')
}
