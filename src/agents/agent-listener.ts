import type { Agent } from './agent.ts'

/** Called for what happens to agents at this daemon, and not for the writes of other replicas. Must not throw. */
export type AgentListener = (happening: AgentHappening) => void

export type AgentHappening =
  | { readonly type: 'registered' | 'unregistered'; readonly agent: Agent; readonly principal: string }
  /** Registered with other fields, or by a heartbeat with another endpoint. */
  | { readonly type: 'changed'; readonly agent: Agent; readonly before: Agent; readonly principal: string }
  /** Removed after the retention; every replica sees it. */
  | { readonly type: 'forgotten'; readonly agent: Agent }
