/** A JSON Schema, or a part of one. It comes from a server: every field may hold anything. */
export type InputSchema = Readonly<Record<string, unknown>>

/** A parameter of a tool, in short. */
export type Parameter = {
  readonly name: string
  readonly type: string
  readonly isRequired: boolean
  readonly description?: string
  readonly values?: readonly string[]
  /** As JSON. */
  readonly byDefault?: string
}

/** The properties of an object schema, required ones first. */
export function toolParameters(schema: unknown): readonly Parameter[] {
  const required = requiredNames(schema)
  const all = Object.entries(propertiesOf(schema)).map(([name, property]) => ({
    name,
    type: typeTextOf(property),
    isRequired: required.has(name),
    ...(typeof property['description'] === 'string' ? { description: property['description'] } : {}),
    ...(Array.isArray(property['enum']) ? { values: property['enum'].map(String) } : {}),
    ...('default' in property ? { byDefault: JSON.stringify(property['default']) } : {}),
  }))
  return [...all.filter(({ isRequired }) => isRequired), ...all.filter(({ isRequired }) => !isRequired)]
}

export function propertiesOf(schema: unknown): Readonly<Record<string, InputSchema>> {
  const properties = isSchema(schema) ? schema['properties'] : undefined
  if (!isSchema(properties)) return {}
  return Object.fromEntries(
    Object.entries(properties).filter((entry): entry is [string, InputSchema] => isSchema(entry[1])),
  )
}

export function requiredNames(schema: unknown): ReadonlySet<unknown> {
  const required = isSchema(schema) ? schema['required'] : undefined
  return new Set(Array.isArray(required) ? required : [])
}

const openKeywords = ['oneOf', 'anyOf', 'allOf', '$ref', 'patternProperties', 'required', 'minProperties']

/** Whether an object schema without properties may still take arguments. */
export function isOpenSchema(schema: InputSchema): boolean {
  const { additionalProperties: others } = schema
  return (
    others === true || (isSchema(others) && !('not' in others)) || openKeywords.some((keyword) => keyword in schema)
  )
}

/** The type of a value; of a list of types the first that is not `null`. */
export function typeOf({ type }: InputSchema): string {
  const one: unknown = Array.isArray(type) ? type.find((item) => item !== 'null') : type
  return typeof one === 'string' ? one : ''
}

function typeTextOf(schema: InputSchema): string {
  const type = typeOf(schema)
  if (type !== 'array') return type || (Array.isArray(schema['enum']) ? 'enum' : 'any')
  const { items } = schema
  return `array of ${(isSchema(items) && typeOf(items)) || 'any'}`
}

export function isSchema(value: unknown): value is InputSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
