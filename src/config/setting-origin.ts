import type { ConfigPath } from './schema-paths.ts'

/** Where a value of the config came from. */
export type SettingOrigin =
  | { readonly from: 'flag'; readonly name: string }
  | { readonly from: 'environment'; readonly name: string }
  | { readonly from: 'file'; readonly file: string; readonly line: number }
  | { readonly from: 'default'; readonly why?: string }

/** One value that somebody asked for. */
export type Setting = { readonly path: ConfigPath; readonly value: unknown; readonly origin: SettingOrigin }

/** What is wrong with a config: where it was said, which key, why, and what to do. */
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

/** Why a config cannot be used, one line for each problem. Never holds a value that may be a secret. */
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
