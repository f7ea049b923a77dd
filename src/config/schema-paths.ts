import * as z from 'zod'

export type ConfigPath = readonly (string | number)[]

/** How the text of a setting is read, whether it comes from the environment, a flag or a placeholder. */
export type ValueKind = 'text' | 'number' | 'boolean' | 'list' | 'data'

/** A setting that has an environment variable: its path, and how its text is read. */
export type Leaf = { readonly path: readonly string[]; readonly kind: ValueKind }

type Definition = z.core.$ZodTypes['_zod']['def']

/** The definition inside defaults, optionals and transformations: the form that an operator writes. */
function unwrapped(schema: z.core.$ZodType): Definition {
  const def = definitionOf(schema)
  if ('innerType' in def) return unwrapped(def.innerType)
  if (def.type === 'pipe') return unwrapped(definitionOf(def.in).type === 'transform' ? def.out : def.in)
  if (schema instanceof z.ZodLazy) return unwrapped(schema.unwrap())
  return def
}

function definitionOf(schema: z.core.$ZodType): Definition {
  const { _zod: inside } = schema as z.core.$ZodTypes
  return inside.def
}

/** The settings inside a section. A section with several forms has those of the form that `value` is of, else all. */
export function schemaFields(schema: z.core.$ZodType, value?: unknown): Readonly<Record<string, z.core.$ZodType>> {
  const def = unwrapped(schema)
  if (def.type === 'object') return def.shape
  if (def.type !== 'union') return {}
  const forms = def.options.map((option) => schemaFields(option))
  const type = typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined
  const chosen = forms.find((form) => isLiteral(form['type'], type))
  return chosen ?? Object.assign({}, ...forms)
}

function isLiteral(schema: z.core.$ZodType | undefined, value: unknown): boolean {
  if (!schema) return false
  const def = unwrapped(schema)
  return def.type === 'literal' && (def.values as readonly unknown[]).includes(value)
}

/** The schema of the setting at `path` of `value`; undefined where the schema has none. */
export function schemaAt(schema: z.core.$ZodType, path: ConfigPath, value: unknown): z.core.$ZodType | undefined {
  const [step, ...rest] = path
  if (step === undefined) return schema
  const def = unwrapped(schema)
  const inner = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[step] : undefined
  if (def.type === 'array') return schemaAt(def.element, rest, inner)
  if (def.type === 'record') return schemaAt(def.valueType, rest, inner)
  const next = schemaFields(schema, value)[step]
  return next && schemaAt(next, rest, inner)
}

export function valueKindOf(schema: z.core.$ZodType): ValueKind {
  const def = unwrapped(schema)
  if (def.type === 'number' || def.type === 'boolean') return def.type
  if (def.type === 'string' || def.type === 'enum' || def.type === 'literal') return 'text'
  if (def.type === 'array') return valueKindOf(def.element) === 'text' ? 'list' : 'data'
  // A duration is a number of seconds or text; the text form covers both.
  if (def.type === 'union' && def.options.some((option) => valueKindOf(option) === 'text')) return 'text'
  return 'data'
}

/** Every setting below `schema`: a section is entered, a list is one setting. */
export function leavesOf(schema: z.core.$ZodType, path: readonly string[] = []): Leaf[] {
  const fields = Object.entries(schemaFields(schema))
  if (fields.length === 0) return [{ path, kind: valueKindOf(schema) }]
  return fields.flatMap(([key, field]) => leavesOf(field, [...path, key]))
}

/** Reads text as a value of this kind; undefined where it is not one. Data needs a YAML parser and is not read here. */
export function readText(text: string, kind: Exclude<ValueKind, 'data'>): unknown {
  if (kind === 'text') return text
  const trimmed = text.trim()
  if (kind === 'number') return /^[+-]?\d+(\.\d+)?$/.test(trimmed) ? Number(trimmed) : undefined
  if (kind === 'list') {
    return trimmed
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '')
  }
  if (/^(true|yes|on|1)$/i.test(trimmed)) return true
  return /^(false|no|off|0)$/i.test(trimmed) ? false : undefined
}

/** The value at `path`; undefined where there is none. */
export function valueAt(value: unknown, path: ConfigPath): unknown {
  let inner = value
  for (const step of path) {
    if (typeof inner !== 'object' || inner === null) return undefined
    inner = (inner as Record<string | number, unknown>)[step]
  }
  return inner
}
