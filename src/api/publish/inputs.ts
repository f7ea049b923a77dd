import { redactedText } from '../../model/redaction/secrets.ts'

/** What a client must be given before it can call a server, in the words of `server.json`. */
export type Input = {
  readonly name?: string
  readonly description?: string
  readonly isRequired?: boolean
  readonly isSecret?: boolean
  readonly default?: string
  readonly value?: string
  readonly valueHint?: string
  readonly variables?: Readonly<Record<string, Input>>
}

const blank = /<redacted>|%3Credacted%3E|\$\{(?:(?:env|input):)?([A-Za-z_][\w.-]*)(?::-([^{}]*))?\}/gi

/** Whether a text has a place that somebody must fill in. */
export function isTemplate(text: string): boolean {
  return text.search(blank) >= 0
}

/**
 * A text with `{variable}` where a secret or a placeholder stood, and what the variables are. Nameless ones are called by
 * `name`, each for itself: two secrets are two.
 */
export function template(text: string, name: string): Pick<Input, 'value' | 'variables'> {
  const variables: Record<string, Input> = {}
  let nameless = 0
  const value = text.replaceAll(blank, (_, said: string | undefined, fallback: string | undefined) => {
    if (said === undefined) nameless += 1
    const number = said === undefined && nameless > 1 ? `_${nameless}` : ''
    const variable = (said ?? name).replaceAll(/[^A-Za-z0-9_]+/g, '_') + number
    const isKnown = fallback !== undefined && fallback !== redactedText
    variables[variable] = {
      isRequired: !isKnown,
      isSecret: true,
      description: `${variable} of this server`,
      ...(isKnown && { default: fallback }),
    }
    return `{${variable}}`
  })
  return Object.keys(variables).length > 0 ? { value, variables } : { value }
}

/** Headers or environment variables: their names, and never a value but a placeholder. */
export function templateInputs(map: Readonly<Record<string, string>> = {}): Input[] {
  return Object.entries(map).map(([name, value]) => {
    const known = value === '' || value === redactedText || !isTemplate(value) ? {} : template(value, name)
    return { name, description: name, isRequired: true, isSecret: true, ...known }
  })
}
