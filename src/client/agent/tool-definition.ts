import {
  any,
  anyText,
  boolean,
  checkOptions,
  invalidOption,
  isRecord,
  list,
  object,
  type OptionCheck,
  shown,
  text,
  textList,
} from './option-checks.ts'
import { type Dependency, type DependencySlot, inputSchemaOf, type Tool, type ToolOptions } from './tool.ts'

const checks = {
  schema: [isSchema, 'a Standard Schema (of zod, for example), or a JSON Schema of an object'],
  json_schema: [isObjectSchema, 'a JSON Schema of an object'],
  title: anyText,
  description: anyText,
  capability: anyText,
  version: [(value) => typeof value === 'string' && /^v?\d+(?:\.|-|\+|$)/.test(value), 'a version such as 1.2.0'],
  tags: textList,
  annotations: object,
  kwargs: object,
  dependencies: list,
} satisfies Record<keyof ToolOptions<never, never>, OptionCheck>

const dependencyChecks = {
  capability: any,
  as: text,
  tags: list,
  version: anyText,
  required: boolean,
} satisfies Record<keyof Exclude<Dependency, string>, OptionCheck>

/** Checks a tool and prepares its registration. @throws {AgentError} `invalid_option`. */
export function defineTool(name: string, options: Tool['options']): Tool {
  if (typeof name !== 'string' || !/^[A-Za-z0-9_.-]{1,128}$/.test(name))
    throw invalidOption(
      `the name of a tool must be a text of 1 to 128 letters of ASCII, digits, "_", "-" or "." (a rule of MCP), not ${shown(name)}`,
    )
  const place = `the tool "${name}"`
  if (!isRecord(options)) throw invalidOption(`${place} needs options, {} for none, not ${shown(options)}`)
  checkOptions(`${place}: `, options, checks)
  const slots = (options.dependencies ?? []).map((dependency, at) =>
    slotOf(dependency, `${place}: "dependencies[${at}]"`),
  )
  const twice = slots.find((slot, at) => slots.findIndex((other) => other.name === slot.name) < at)
  if (twice)
    throw invalidOption(
      `the tool "${name}" has two dependencies named "${twice.name}": give one of them a name by "as"`,
    )
  const { capability = name, version = '1.0.0', tags = [], description, kwargs } = options
  return {
    name,
    options,
    slots,
    registered: {
      function_name: name,
      capability,
      version,
      tags,
      ...(description !== undefined && { description }),
      ...(kwargs && { kwargs }),
      inputSchema: shownSchemaOf(options, place),
      dependencies: slots.map(({ dependency }) => dependency),
    },
  }
}

function slotOf(dependency: Dependency, place: string): DependencySlot {
  const fields = typeof dependency === 'string' ? { capability: dependency } : dependency
  if (!isRecord(fields) || typeof fields.capability !== 'string' || fields.capability === '')
    throw invalidOption(
      `${place} must be the name of a capability, or an object with "capability", not ${shown(dependency)}`,
    )
  checkOptions(`${place}: `, fields, dependencyChecks)
  const { as: name = fields.capability, ...rest } = fields
  return { name, dependency: rest }
}

/** The JSON Schema of a tool's arguments; throws where its library cannot make one, or it is of no object. */
function shownSchemaOf(options: Tool['options'], place: string): Record<string, unknown> {
  let schema: Record<string, unknown>
  try {
    schema = inputSchemaOf(options)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw invalidOption(`${place}: "schema" cannot be shown as JSON Schema: ${reason}; give "json_schema"`, error)
  }
  const { type = 'object' } = schema // a union of objects names none
  if (type === 'object') return schema
  throw invalidOption(`${place}: "schema" must be one of an object, not one of ${shown(type)}`)
}

function isObjectSchema(value: unknown): boolean {
  return isRecord(value) && value['type'] === 'object'
}

/** Schemas of some libraries are functions. */
function isSchema(value: unknown): boolean {
  if (typeof value !== 'function' && !isRecord(value)) return false
  return '~standard' in value || isObjectSchema(value)
}

/** Checks what only a tool with a function of its own needs. @throws {AgentError} `invalid_option`. */
export function assertServable({ name }: Tool, handler: unknown): void {
  if (name in Object.prototype)
    throw invalidOption(
      `no tool can be named "${name}": every object of JavaScript has a member of that name, and the library that serves the tools takes it for one; choose another name`,
    )
  if (typeof handler !== 'function')
    throw invalidOption(`the tool "${name}" needs a function: agent.tool(name, options, function)`)
}
