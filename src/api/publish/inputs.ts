import { placeholder } from '../../model/redaction/placeholder.ts'
import { redactedText } from '../../model/redaction/secrets.ts'

/** A value that a client supplies before it calls a server, as in `server.json`. */
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

/** Whether a text holds a placeholder or a redacted secret. */
export function isTemplate(text: string): boolean {
  return text.search(placeholder) >= 0
}

/**
 * The text with `{variable}` in place of each secret and placeholder, and the variables. A secret without a name of its own
 * is called `name`, then `name_2`, and so on.
 */
export function toTemplate(text: string, name: string): Pick<Input, 'value' | 'variables'> {
  const variables: Record<string, Input> = {}
  let unnamed = 0
  const value = text.replaceAll(placeholder, (_, _kind, ownName: string | undefined, fallback: string | undefined) => {
    if (ownName === undefined) unnamed += 1
    const suffix = ownName === undefined && unnamed > 1 ? `_${unnamed}` : ''
    const variable = (ownName ?? name).replaceAll(/[^A-Za-z0-9_]+/g, '_') + suffix
    const hasDefault = fallback !== undefined && fallback !== redactedText
    variables[variable] = {
      isRequired: !hasDefault,
      isSecret: true,
      description: `${variable} of this server`,
      ...(hasDefault && { default: fallback }),
    }
    return `{${variable}}`
  })
  return Object.keys(variables).length > 0 ? { value, variables } : { value }
}

/** Headers or environment variables as inputs: their names, and a value only where it is a template. */
export function templateInputs(map: Readonly<Record<string, string>> = {}): Input[] {
  return Object.entries(map).map(([name, value]) => {
    const template = value === '' || value === redactedText || !isTemplate(value) ? {} : toTemplate(value, name)
    return { name, description: name, isRequired: true, isSecret: true, ...template }
  })
}
