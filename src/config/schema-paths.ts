import * as z from 'zod'

export type ConfigPath = readonly (string | number)[]

/** How a setting is written as text: in the environment, in a flag, in a placeholder. */
export type ValueKind = 'text' | 'number' | 'boolean' | 'list' | 'data'

/** A setting that can be given by name: the path to it, and how its text is read. */
export type Leaf = { readonly path: readonly string[]; readonly kind: ValueKind }

type Definition = z.core.$ZodTypes['_zod']['def']

/** The definition inside defaults, optionals and transformations: what a person writes. */
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

/** The settings inside a section. Of a section with several forms the ones of the form that `value` has, else all. */
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

/** The schema of what stands at `path` of `value`; undefined where nothing may. */
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
  // A duration is seconds or text: text says both.
  if (def.type === 'union' && def.options.some((option) => valueKindOf(option) === 'text')) return 'text'
  return 'data'
}

/** Every setting that has a name of its own: sections are gone into, lists are one setting. */
export function leavesOf(schema: z.core.$ZodType, path: readonly string[] = []): Leaf[] {
  const fields = Object.entries(schemaFields(schema))
  if (fields.length === 0) return [{ path, kind: valueKindOf(schema) }]
  return fields.flatMap(([key, field]) => leavesOf(field, [...path, key]))
}

/** Text as a value of this kind; undefined where it is none. Data is read by whoever has a parser. */
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
