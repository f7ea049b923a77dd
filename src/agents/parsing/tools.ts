import { hash } from 'node:crypto'
import type { Capability } from '../../model/capability.ts'
import { isJsonObject, type JsonObject } from '../../model/data/json-object.ts'
import type { LlmFilter, LlmFilterItem, LlmProviderRequest, MeshDependency, MeshTool } from '../mesh-tool.ts'
import { internalToolPrefix } from '../mesh-tool.ts'
import { booleanField, fieldIn, listField, objectField, rejectField, textField, within } from './tool-fields.ts'

/** Limits of one agent's tools. Those of names, versions and tags are the limits of capabilities. */
const limits = {
  tools: 1000,
  dependencies: 64,
  /** Different dependencies of all functions of an agent: each is compared with every candidate of its capability. */
  differentDependencies: 256,
  tags: 64,
  filters: 64,
  name: 253,
  version: 128,
  hash: 128,
  description: 65_536,
  objectBytes: 65_536,
} as const

/** Maximum length of a capability's description; a longer one of a tool is cut. */
const maxCapabilityDescription = 10_000

/** The functions of an agent, and the canonical schemas that they name by hash. */
export type ParsedTools = {
  readonly tools: readonly MeshTool[]
  readonly schemas?: Readonly<Record<string, JsonObject>>
}

/** Parses the `tools` of a registration. */
export function parseTools(value: unknown): ParsedTools {
  const schemas: Record<string, JsonObject> = {}
  const positions = new Map<string, number>()
  const tools = listField(value, { key: 'tools', max: limits.tools }, (item, at) => {
    const tool = parseTool(item, schemas)
    const first = positions.get(tool.function_name)
    if (first !== undefined) rejectField('function_name', `is also the name of tools[${first}]; names must be unique`)
    positions.set(tool.function_name, at)
    return tool
  })
  const different = new Set(tools.flatMap(({ dependencies }) => dependencies.map((one) => JSON.stringify(one)))).size
  if (different > limits.differentDependencies)
    rejectField(
      'tools',
      `have ${different} different dependencies; at most ${limits.differentDependencies} are accepted`,
    )
  return Object.keys(schemas).length > 0 ? { tools, schemas } : { tools }
}

function parseTool(item: unknown, schemas: Record<string, JsonObject>): MeshTool {
  const fields = requireFields(item, 'a tool')
  const function_name = textField(fields, 'function_name', limits.name)
  if (function_name === '') rejectField('function_name', 'is needed: the name that the function is called by')
  const description = textField(fields, 'description', limits.description)
  const input_schema = objectField(fields, ['inputSchema', 'input_schema'], limits.objectBytes)
  const kwargs = objectField(fields, ['kwargs'], limits.objectBytes)
  const input_schema_hash = schemaHash(fields, ['inputSchema', 'input_schema'], schemas)
  const output_schema_hash = schemaHash(fields, ['outputSchema', 'output_schema'], schemas)
  const llm_filter = parseLlmFilter(fields['llm_filter'])
  const llm_provider = parseLlmProvider(fields['llm_provider'])
  return {
    function_name,
    capability: textField(fields, 'capability', limits.name),
    version: textField(fields, 'version', limits.version) || '1.0.0',
    tags: parsePlainTags(fields['tags']),
    ...(description !== '' && { description }),
    ...(input_schema && { input_schema }),
    ...(kwargs && { kwargs }),
    dependencies: listField(fields['dependencies'], { key: 'dependencies', max: limits.dependencies }, (dependency) =>
      parseDependency(dependency, schemas),
    ),
    ...(input_schema_hash !== undefined && { input_schema_hash }),
    ...(output_schema_hash !== undefined && { output_schema_hash }),
    ...(llm_filter && { llm_filter }),
    ...(llm_provider && { llm_provider }),
  }
}

/** A plain text is a dependency on any provider of that capability. */
function parseDependency(item: unknown, schemas: Record<string, JsonObject>): MeshDependency {
  const fields = typeof item === 'string' ? { capability: item } : requireFields(item, 'a dependency')
  const capability = textField(fields, 'capability', limits.name)
  if (capability === '') rejectField('capability', 'is needed: the capability that the function depends on')
  const { key, value: mode } = fieldIn(fields, ['matchMode', 'match_mode'])
  if (mode !== undefined && mode !== '' && mode !== 'subset' && mode !== 'strict')
    rejectField(key, 'must be "subset" or "strict"; without it no schemas are compared')
  const expected = expectedSchemaIn(fields, schemas)
  return {
    capability,
    tags: withoutEmpty(listField(fields['tags'], { key: 'tags', max: limits.tags }, parseTag)),
    version: textField(fields, 'version', limits.version),
    required: booleanField(fields, 'required') ?? false,
    ...((mode === 'subset' || mode === 'strict') && { match_mode: mode }),
    ...expected,
  }
}

/** A tag of a dependency, or a list of which one is needed. An empty one is dropped later. */
function parseTag(item: unknown): string | readonly string[] {
  if (!Array.isArray(item)) return parsePlainTag(item)
  return withoutEmpty(listField(item, { key: '', max: limits.tags }, parsePlainTag))
}

function parsePlainTags(value: unknown): readonly string[] {
  return withoutEmpty(listField(value, { key: 'tags', max: limits.tags }, parsePlainTag))
}

/** The list without empty tags. A list that needs no filter stays as it is: a filtered one reserves room for 17 items. */
function withoutEmpty<T extends { readonly length: number }>(tags: readonly T[]): readonly T[] {
  return tags.some(({ length }) => length === 0) ? tags.filter(({ length }) => length > 0) : tags
}

function parsePlainTag(item: unknown): string {
  if (item === null) return ''
  if (Array.isArray(item)) rejectField('', 'is a list inside a list: tags are nested by one level at most')
  if (typeof item !== 'string') rejectField('', 'must be text')
  if (item.length > limits.name) rejectField('', `has ${item.length} characters; at most ${limits.name} are accepted`)
  return item
}

/** Keeps the canonical schema of one side; its hash. Without both of them the agent has published no schema. */
function schemaHash(
  fields: JsonObject,
  [camel, snake]: readonly [string, string],
  schemas: Record<string, JsonObject>,
): string | undefined {
  const { key, value } = fieldIn(fields, [`${camel}Hash`, `${snake}_hash`])
  const name = value === undefined ? '' : textField(fields, key, limits.hash)
  const canonical = objectField(fields, [`${camel}Canonical`, `${snake}_canonical`], limits.objectBytes)
  if (name === '' || !canonical) return undefined
  schemas[name] ??= canonical
  return name
}

/** The schema that a dependency expects, by its hash; a schema without a hash gets one. */
function expectedSchemaIn(
  fields: JsonObject,
  schemas: Record<string, JsonObject>,
): Pick<MeshDependency, 'expected_schema_hash' | 'expects_hash_only'> {
  const { key, value } = fieldIn(fields, ['expectedSchemaHash', 'expected_schema_hash'])
  const named = value === undefined ? '' : textField(fields, key, limits.hash)
  const spellings = ['expectedSchemaCanonical', 'expected_schema_canonical']
  const canonical = objectField(fields, spellings, limits.objectBytes)
  if (!canonical) return named === '' ? {} : { expected_schema_hash: named, expects_hash_only: true }
  const name = named || `sha256:${hash('sha256', JSON.stringify(canonical))}`
  schemas[name] ??= canonical
  return { expected_schema_hash: name }
}

/** A filter may be one item or a list of them; nested lists have no meaning there. */
function parseLlmFilter(value: unknown): LlmFilter | undefined {
  if (value === undefined || value === null) return undefined
  return within('llm_filter', () => {
    const fields = requireFields(value, 'it')
    const filter = fields['filter'] ?? []
    const items = Array.isArray(filter) ? filter : [filter]
    return {
      filter: listField(items, { key: 'filter', max: limits.filters }, parseLlmFilterItem),
      filter_mode: textField(fields, 'filter_mode', limits.name) || 'all',
    }
  })
}

function parseLlmFilterItem(item: unknown): string | LlmFilterItem {
  if (typeof item === 'string') return item
  const fields = requireFields(item, 'an item')
  const capability = textField(fields, 'capability', limits.name)
  const version = textField(fields, 'version', limits.version)
  const plain = Array.isArray(fields['tags']) ? fields['tags'].filter((tag) => !Array.isArray(tag)) : fields['tags']
  const tags = parsePlainTags(plain)
  return {
    ...(capability !== '' && { capability }),
    ...(tags.length > 0 && { tags }),
    ...(version !== '' && { version }),
  }
}

function parseLlmProvider(value: unknown): LlmProviderRequest | undefined {
  if (value === undefined || value === null) return undefined
  return within('llm_provider', () => {
    const fields = requireFields(value, 'it')
    const namespace = textField(fields, 'namespace', limits.name)
    return {
      capability: textField(fields, 'capability', limits.name),
      tags: parsePlainTags(fields['tags']),
      version: textField(fields, 'version', limits.version),
      ...(namespace !== '' && { namespace }),
    }
  })
}

function requireFields(value: unknown, noun: string): JsonObject {
  if (!isJsonObject(value)) rejectField('', `must be a JSON object: ${noun} with its fields`)
  return value
}

/** By tool list: what agents with these tools offer. Agents with the same tools share it. */
const offered = new WeakMap<readonly MeshTool[], Capability[]>()

/** The capabilities that an agent offers by its tools, in order; the same list for the same tools. */
export function offeredCapabilities(tools: readonly MeshTool[]): Capability[] {
  const capabilities = offered.get(tools) ?? tools.filter(isOffered).map(capabilityOf)
  offered.set(tools, capabilities)
  return capabilities
}

function isOffered({ function_name, capability }: MeshTool): boolean {
  return capability !== '' && !function_name.startsWith(internalToolPrefix)
}

/** The capability that a tool offers. */
export function capabilityOf({
  function_name,
  capability,
  description,
  version,
  tags,
  input_schema,
}: MeshTool): Capability {
  return {
    name: capability,
    ...(function_name !== capability && { function_name }),
    ...(description !== undefined && { description: description.slice(0, maxCapabilityDescription) }),
    version,
    stability: 'stable',
    tags: tags as string[],
    ...(input_schema && { input_schema }),
    kind: 'declared',
    origin: 'declared',
  }
}

/** The names of the capabilities that the tools depend on, each once, in order. */
export function neededCapabilities(tools: readonly MeshTool[]): string[] {
  const names = new Set<string>()
  for (const { dependencies } of tools) for (const { capability } of dependencies) names.add(capability)
  return [...names]
}
