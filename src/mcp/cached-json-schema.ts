import type { StandardSchemaWithJSON } from '@modelcontextprotocol/server'

type Converter = StandardSchemaWithJSON['~standard']['jsonSchema']['input']

/** Caches the JSON Schema of a schema, because each request creates a server, which would convert it again. */
export function cacheJsonSchema<Input, Output>(
  schema: StandardSchemaWithJSON<Input, Output>,
): StandardSchemaWithJSON<Input, Output> {
  const { jsonSchema, ...standard } = schema['~standard']
  return {
    '~standard': {
      ...standard,
      jsonSchema: { input: memoizeConverter(jsonSchema.input), output: memoizeConverter(jsonSchema.output) },
    },
  }
}

function memoizeConverter(convert: Converter): Converter {
  const schemaByTarget = new Map<string, Record<string, unknown>>()
  return (options) => {
    const schema = schemaByTarget.get(options.target) ?? convert(options)
    schemaByTarget.set(options.target, schema)
    return schema
  }
}
