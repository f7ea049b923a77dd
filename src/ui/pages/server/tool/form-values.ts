import { toolTexts as texts } from '../../../texts/server/tool.ts'
import { type InputSchema, isSchema, propertiesOf, requiredNames, typeOf } from '../schema.ts'

/** How an argument is written: by its own field, as one value per line, as fields of its own, or as JSON. */
export type FieldKind = 'text' | 'number' | 'boolean' | 'choice' | 'list' | 'group' | 'json'

/** Objects inside objects that get fields of their own; deeper ones are JSON. */
const maxDepth = 2
const scalars = new Set(['string', 'number', 'integer'])

export function fieldKind(schema: InputSchema, depth: number): FieldKind {
  const { enum: values, items, properties } = schema
  if (Array.isArray(values) && values.every((value) => typeof value !== 'object')) return 'choice'
  const type = typeOf(schema)
  if (type === 'string') return 'text'
  if (type === 'number' || type === 'integer') return 'number'
  if (type === 'boolean') return 'boolean'
  if (type === 'array' && isSchema(items) && scalars.has(typeOf(items)) && !Array.isArray(items['enum'])) return 'list'
  if (type === 'object' && isSchema(properties) && depth < maxDepth) return 'group'
  return 'json'
}

/** What was written into each field, by the path of the argument. */
export type FieldTexts = Readonly<Record<string, string>>

export const pathBelow = (path: string, name: string) => `${path}/${encodeURIComponent(name)}`

/** The fields filled with values: those of an earlier call, or defaults where there are none. */
export function textsOf(schema: unknown, values: unknown, path = '', depth = 0): FieldTexts {
  const texts: Record<string, string> = {}
  for (const [name, property] of Object.entries(propertiesOf(schema))) {
    const value = isSchema(values) && Object.hasOwn(values, name) ? values[name] : property['default']
    const at = pathBelow(path, name)
    const kind = fieldKind(property, depth)
    if (kind === 'group') Object.assign(texts, textsOf(property, value, at, depth + 1))
    else if (value !== undefined) texts[at] = textOfValue(kind, value)
  }
  return texts
}

function textOfValue(kind: FieldKind, value: unknown): string {
  if (kind === 'list' && Array.isArray(value)) return value.map(String).join('\n')
  if (kind === 'json' || kind === 'choice') return JSON.stringify(value, null, 2)
  return typeof value === 'string' ? value : JSON.stringify(value)
}

export type CollectedArguments = {
  readonly value: Readonly<Record<string, unknown>>
  /** What is wrong, by the path of the argument. */
  readonly errors: Readonly<Record<string, string>>
}

/** The arguments that the fields hold; an empty field is no argument. */
export function collectArguments(schema: unknown, texts: FieldTexts, path = '', depth = 0): CollectedArguments {
  const required = requiredNames(schema)
  const found: [string, unknown][] = []
  const errors: Record<string, string> = {}
  for (const [name, property] of Object.entries(propertiesOf(schema))) {
    const at = pathBelow(path, name)
    const kind = fieldKind(property, depth)
    if (kind === 'group') {
      const inner = collectArguments(property, texts, at, depth + 1)
      const isWanted = Object.keys(inner.value).length > 0 || required.has(name)
      if (isWanted) found.push([name, inner.value])
      if (isWanted) Object.assign(errors, inner.errors)
      continue
    }
    const parsed = parseField(kind, property, texts[at] ?? '', required.has(name))
    if ('problem' in parsed) errors[at] = parsed.problem
    else if (parsed.value !== undefined) found.push([name, parsed.value])
  }
  return { value: Object.fromEntries(found), errors }
}

type Parsed = { readonly value: unknown } | { readonly problem: string }

function parseField(kind: FieldKind, schema: InputSchema, text: string, isRequired: boolean): Parsed {
  if (text === '') return isRequired ? { problem: texts.missing } : { value: undefined }
  if (kind === 'text') return { value: text }
  if (kind === 'number') return parseNumber(typeOf(schema), text)
  if (kind === 'boolean') return { value: text === 'true' }
  if (kind === 'list') return parseList(schema, text)
  try {
    return { value: JSON.parse(text) as unknown }
  } catch (error) {
    return { problem: texts.noJson((error as Error).message) }
  }
}

function parseNumber(type: string, text: string): Parsed {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) return { problem: texts.noNumber }
  return type === 'integer' && !Number.isInteger(value) ? { problem: texts.noInteger } : { value }
}

function parseList({ items }: InputSchema, text: string): Parsed {
  const type = isSchema(items) ? typeOf(items) : ''
  const lines = text.split('\n').filter((line) => line !== '')
  if (type === 'string') return { value: lines }
  const parsed = lines.map((line) => parseNumber(type, line))
  const wrong = parsed.find((one) => 'problem' in one)
  return wrong ?? { value: parsed.map((one) => 'value' in one && one.value) }
}
