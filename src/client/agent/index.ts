/** An agent of the mesh, for Node 20 and newer. Needs `@modelcontextprotocol/server` and `@modelcontextprotocol/client`. */
export { type Agent, createAgent } from './agent.ts'
export { AgentError, type AgentErrorCode } from './agent-error.ts'
export type { AgentEvent } from './heartbeat-loop.ts'
export type { WrappedTools } from './serving/agent-server.ts'
export type { WrappedServer } from './serving/mcp-endpoint.ts'
export type { AgentOptions } from './settings.ts'
export type {
  CallOptions,
  Dependency,
  Injectable,
  Injected,
  JsonSchema,
  Services,
  StandardSchema,
  ToolOptions,
} from './tool.ts'
export { RosterError } from '../roster/error.ts'
export { type MeshAgentOptions, type MeshDecorator, type Meshed, meshAgent, startMeshAgents } from './mesh-agent.ts'
