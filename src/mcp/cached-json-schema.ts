import type { StandardSchemaWithJSON } from '@modelcontextprotocol/server'
import { excerptOf } from '../model/data/excerpt.ts'

type Converter = StandardSchemaWithJSON['~standard']['jsonSchema']['input']

type Issue = NonNullable<Awaited<ReturnType<StandardSchemaWithJSON['~standard']['validate']>>['issues']>[number]

/**
 * Caches the JSON Schema of a schema, because each request creates a server, which would convert it again. Its issues quote
 * the client in part only.
 */
export function cacheJsonSchema<Input, Output>(
  schema: StandardSchemaWithJSON<Input, Output>,
): StandardSchemaWithJSON<Input, Output> {
  const { jsonSchema, ...standard } = schema['~standard']
  return {
    '~standard': {
      ...standard,
      validate: (value) => {
        const result = standard.validate(value)
        return result instanceof Promise ? result.then(withShortIssues) : withShortIssues(result)
      },
      jsonSchema: { input: memoizeConverter(jsonSchema.input), output: memoizeConverter(jsonSchema.output) },
    },
  }
}

const maxIssues = 20
const maxKeys = 5

function withShortIssues<Result extends { readonly issues?: readonly Issue[] | undefined }>(result: Result): Result {
  return result.issues ? { ...result, issues: result.issues.slice(0, maxIssues).map(shortIssue) } : result
}

function shortIssue({ message, path = [], ...issue }: Issue): Issue {
  const keys =
    'keys' in issue && Array.isArray(issue.keys) ? issue.keys.map((key) => `"${excerptOf(String(key))}"`) : []
  const more = keys.length > maxKeys ? ` and ${keys.length - maxKeys} more` : ''
  return {
    path: path.map((step) => excerptOf(String(typeof step === 'object' ? step.key : step))),
    message: keys.length > 0 ? `unknown: ${keys.slice(0, maxKeys).join(', ')}${more}` : message,
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
