/** Why an agent, or a call of a dependency, failed. */
export type AgentErrorCode =
  /** An option, or the environment, has an invalid value. */
  | 'invalid_option'
  /** Another process listens on the port. */
  | 'port_taken'
  /** The agent is closed: its dependencies cannot be called any more. */
  | 'agent_closed'
  /** No agent provides the dependency now. */
  | 'no_provider'
  /** The call did not reach the provider: it may be repeated. */
  | 'provider_unreachable'
  /** Sixteen calls are nested already: dependencies form a circle. Nothing was sent. */
  | 'call_too_deep'
  /** The provider did not answer in time. It may have done the work. */
  | 'call_timeout'
  /** The caller's signal aborted the call, or the caller of the tool that makes it left. The provider may have done the work. */
  | 'call_aborted'
  /** The connection broke, or the answer is not understood. The provider may have done the work. */
  | 'call_interrupted'
  /** The provider did the work and reports an error, or rejects the call. */
  | 'call_failed'

/** A failure of an agent. The message names what failed and why; it contains no token. */
export class AgentError extends Error {
  override name = 'AgentError'
  readonly code: AgentErrorCode
  /** Id of the agent that was called, where the code is one of a call. */
  readonly provider: string | undefined

  constructor(code: AgentErrorCode, message: string, { cause, provider }: { cause?: unknown; provider?: string } = {}) {
    super(message, { cause })
    this.code = code
    this.provider = provider
  }
}
