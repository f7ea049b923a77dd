import { type Invocation, textOption, UsageError } from './command.ts'
import { escapeControlsKeepingLines } from './text.ts'

export const outputOptions = { output: { type: 'string', short: 'o' } } as const

/** The format of `-o`: one of `formats`, by default the first. */
export function outputFormat<Format extends string>(
  invocation: Invocation,
  formats: readonly [Format, ...Format[]],
): Format {
  const requested = textOption(invocation, 'output')
  if (requested === undefined) return formats[0]
  const format = formats.find((one) => one === requested)
  if (format === undefined) throw new UsageError(`-o must be one of ${formats.join(', ')}`)
  return format
}

/** Renders data as JSON or YAML, with control characters escaped: no value can control a terminal. */
export async function render(data: unknown, form: 'json' | 'yaml'): Promise<string> {
  if (form === 'json') return `${escapeControlsKeepingLines(JSON.stringify(data, null, 2))}\n`
  const { default: yaml } = await import('yaml')
  // No block scalars: every control character then lies inside double quotes, where it can be escaped.
  return escapeControlsKeepingLines(yaml.stringify(data, { lineWidth: 0, blockQuote: false }))
}
