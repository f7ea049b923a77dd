import { type Invocation, textOption, UsageError } from './command.ts'
import { shownLines } from './text.ts'

export const outputOptions = { output: { type: 'string', short: 'o' } } as const

/** The form that `-o` asks for, one of `forms`; the first of them when it does not. */
export function formOf<Form extends string>(invocation: Invocation, forms: readonly [Form, ...Form[]]): Form {
  const asked = textOption(invocation, 'output')
  if (asked === undefined) return forms[0]
  const form = forms.find((one) => one === asked)
  if (form === undefined) throw new UsageError(`-o must be one of ${forms.join(', ')}`)
  return form
}

/** Data as text for people and programs; nothing in it can steer a terminal. */
export async function rendered(data: unknown, form: 'json' | 'yaml'): Promise<string> {
  if (form === 'json') return `${shownLines(JSON.stringify(data, null, 2))}\n`
  const { default: yaml } = await import('yaml')
  // Line ends of the text itself are kept out of it, so that every control character stands in double quotes.
  return shownLines(yaml.stringify(data, { lineWidth: 0, blockQuote: false }))
}
