import type { StandardSchemaWithJSON } from '@modelcontextprotocol/server'

type Converter = StandardSchemaWithJSON['~standard']['jsonSchema']['input']

/** A schema whose JSON Schema is worked out once: there is a server for every request, and each would do it anew. */
export function cacheJsonSchema<Input, Output>(
  schema: StandardSchemaWithJSON<Input, Output>,
): StandardSchemaWithJSON<Input, Output> {
  const { jsonSchema, ...standard } = schema['~standard']
  return {
    '~standard': {
      ...standard,
      jsonSchema: { input: remembered(jsonSchema.input), output: remembered(jsonSchema.output) },
    },
  }
}

function remembered(convert: Converter): Converter {
  const made = new Map<string, Record<string, unknown>>()
  return (options) => {
    const known = made.get(options.target) ?? convert(options)
    made.set(options.target, known)
    return known
  }
}
