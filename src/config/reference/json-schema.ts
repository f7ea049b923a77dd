import * as z from 'zod'
import { formerKeysOf } from '../renamed-keys.ts'
import { Config } from '../schema.ts'

export type JsonSchema = z.core.JSONSchema.BaseSchema

/** The JSON Schema of the config file, for editors. */
export function configSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(Config, {
    io: 'input',
    unrepresentable: 'any',
    // zod omits the default of a transformed value, such as a duration, since it is given in the output form.
    override({ zodSchema, jsonSchema }) {
      const { _zod: inside } = zodSchema
      if (inside.def.type === 'default') jsonSchema.default ??= inside.def.defaultValue as typeof jsonSchema.default
    },
  })
  return { ...withFormerKeys(schema, ''), title: 'mcp-roster config' }
}

/** Adds the former keys, so that editors accept them and mark them as deprecated. */
function withFormerKeys(schema: JsonSchema, section: string): JsonSchema {
  const inside = (child: unknown, path: string) => withFormerKeys(child as JsonSchema, path)
  const properties = Object.entries(schema.properties ?? {}).map(
    ([key, child]) => [key, inside(child, section === '' ? key : `${section}.${key}`)] as const,
  )
  const byName = new Map(properties)
  const former = formerKeysOf(section).flatMap(([key, current]) => {
    const renamed = byName.get(current)
    return renamed ? [[key, { ...renamed, deprecated: true, description: `Renamed to ${current}.` }] as const] : []
  })
  return {
    ...schema,
    ...(schema.properties && { properties: Object.fromEntries([...properties, ...former]) }),
    ...(schema.items !== undefined && { items: inside(schema.items, `${section}[]`) }),
    ...(schema.oneOf && { oneOf: schema.oneOf.map((form) => inside(form, section)) }),
  }
}
