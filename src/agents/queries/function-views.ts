import type { Capability } from '../../model/capability.ts'
import type { JsonObject } from '../../model/data/json-object.ts'
import { isTool, toolNameOf } from '../../model/query/capability-kinds.ts'
import { redactDataForms } from '../../model/redaction/redact-server.ts'
import { redactByForm } from '../../model/redaction/redact-text.ts'
import { redactForms } from '../../model/redaction/redact.ts'
import type { Server } from '../../model/server.ts'
import type { Agent } from '../agent.ts'
import type { LlmFilter, MeshTool } from '../mesh-tool.ts'
import { capabilityOf } from '../parsing/tools.ts'

/** By function: why it is unavailable; undefined where it is available. */
export type UnavailableReasons = Readonly<Record<string, string | undefined>>

/** An agent with its server in the registry. */
type RegisteredAgent = { readonly agent: Agent; readonly server?: Server | undefined }

/** The names of an agent's functions, as `functionViews` shows them. */
export function functionNamesOf(registered: RegisteredAgent): readonly string[] {
  const { tools = [] } = registered.agent.spec
  return [...tools, ...otherCapabilities(registered)].map(nameOf)
}

/**
 * The functions of an agent with their capabilities, in the order of declaration.
 *
 * Those of its `tools`, internal ones too; then its other capabilities, declared or introspected, whose function has the
 * same name unless they say another. Without `unavailable` they are shown without their availability.
 */
export function functionViews(
  registered: RegisteredAgent,
  unavailable?: UnavailableReasons,
): readonly Record<string, unknown>[] {
  const { tools = [] } = registered.agent.spec
  const offered = tools.filter(({ capability }) => capability !== '')
  return [
    ...offered.map((tool) => ({ ...capabilityView(capabilityOf(tool)), ...toolView(tool) })),
    ...otherCapabilities(registered).map((capability) => ({
      ...capabilityView(capability),
      function_name: toolNameOf(capability),
    })),
  ].map((view) => (unavailable ? { ...view, ...availabilityView(unavailable[view.function_name]) } : view))
}

/** The capabilities of an agent that none of its `tools` offers. */
function otherCapabilities({ agent: { definition, spec }, server }: RegisteredAgent): readonly Capability[] {
  const { capabilities } = server ?? definition
  if (!spec.tools) return capabilities
  const functionNames = new Set(spec.tools.map(nameOf))
  return capabilities.filter(
    ({ name, origin, kind }) => origin === 'introspected' && isTool({ kind }) && !functionNames.has(name),
  )
}

function nameOf(item: MeshTool | Capability): string {
  return 'name' in item ? toolNameOf(item) : item.function_name
}

function toolView({ function_name, llm_filter, llm_provider, kwargs }: MeshTool) {
  return {
    function_name,
    ...(llm_filter && { llm_filter: filterView(llm_filter) }),
    ...(llm_provider && { llm_provider: redactDataForms(llm_provider) }),
    ...(kwargs?.['task'] === true && { task: true }),
  }
}

/** `meshctl` reads every item as an object. */
function filterView({ filter, filter_mode }: LlmFilter): object {
  const items = filter.map((item) => (typeof item === 'string' ? { capability: item } : item))
  return { filter: redactForms(items), filter_mode }
}

function availabilityView(reason: string | undefined): object {
  return reason === undefined ? { available: true } : { available: false, unavailable_reason: reason }
}

/** A capability in the fields of the mesh registry; `input_schema` under both of its names. */
export function capabilityView({
  input_schema: schema,
  description,
  tags,
  ...capability
}: Capability): Record<string, unknown> {
  const input_schema = schema && (redactDataForms(schema) as JsonObject)
  return {
    description: description === undefined ? null : redactByForm(description),
    category: null,
    ...capability,
    tags: redactDataForms(tags),
    parameters_schema: input_schema ?? null,
    ...(input_schema && { input_schema }),
    compatibility_versions: [],
    security_requirements: null,
  }
}
