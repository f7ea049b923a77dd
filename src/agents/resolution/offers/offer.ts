import type { Capability } from '../../../model/capability.ts'
import type { Status } from '../../../model/health.ts'
import { isTool, toolNameOf } from '../../../model/query/capability-kinds.ts'
import { redactText } from '../../../model/redaction/redact-text.ts'
import type { Server } from '../../../model/server.ts'
import type { Agent, AgentSpec } from '../../agent.ts'
import type { MeshTool } from '../../mesh-tool.ts'

/** An agent, or a server of another source, as the provider of its functions. */
export type Provider = {
  /** The agent's id; the whole id of any other server. */
  readonly id: string
  /** Without `/mcp`, which consumers append. Without secrets. */
  readonly endpoint: string
  readonly schemas: AgentSpec['schemas']
  /** Of its server in the registry. Written by the offer index alone. */
  status: Status
}

/** A function of a provider. */
export type Offer = { readonly provider: Provider; readonly tool: MeshTool }

/** The offers of an agent, in the order of declaration. Those of older generations are their capabilities. */
export function offersOfAgent({ id, spec }: Agent, { status, capabilities }: Server): Offer[] {
  const { tools, schemas } = spec
  const endpoint = redactText(tools ? spec.endpoint : withoutMcpPath(spec.endpoint))
  const provider: Provider = { id, endpoint, schemas, status }
  const offered = tools ? tools.filter(({ capability }) => capability !== '') : capabilities.filter(isTool).map(toTool)
  return offered.map((tool) => ({ provider, tool }))
}

/** The offer of a server that is not an agent; undefined where it lacks the tool, or has no URL. */
export function offerOfServer({ id, url, status, capabilities }: Server, capability: string): Offer | undefined {
  const found = url === undefined ? undefined : capabilities.find((one) => one.name === capability && isTool(one))
  if (!found || !/^https?:/i.test(url ?? '')) return undefined
  const provider: Provider = { id, endpoint: redactText(withoutMcpPath(url ?? '')), schemas: undefined, status }
  return { provider, tool: toTool(found) }
}

/** Names a candidate in traces. */
export function offerId({ provider, tool }: Offer): string {
  return `${provider.id}:${tool.function_name}`
}

/** A stable order: by provider; the functions of one provider keep theirs. */
export function byProviderId(a: Offer, b: Offer): number {
  return a.provider.id < b.provider.id ? -1 : a.provider.id > b.provider.id ? 1 : 0
}

function withoutMcpPath(endpoint: string): string {
  return endpoint.replace(/\/mcp\/?$/, '')
}

function toTool(capability: Capability): MeshTool {
  const { name, version, tags, description, input_schema } = capability
  return {
    function_name: toolNameOf(capability),
    capability: name,
    version,
    tags,
    dependencies: [],
    ...(description !== undefined && { description }),
    ...(input_schema && { input_schema }),
  }
}
