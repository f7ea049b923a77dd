import type { MeshProvider } from '../../roster/agents.ts'
import { AgentError, type AgentErrorCode } from '../agent-error.ts'
import { interruptedCode } from './answering-fetch.ts'

/** Errors of a connection that was never made: nothing left this process. */
const unreachableCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** A connection to a provider did not open. */
export class UnopenedError extends Error {
  override name = 'UnopenedError'
}

/** What a failed call means: for the caller, and for the connection that it used. */
export type CallFailure = {
  readonly failure: AgentError
  /** The connection is good: the provider itself answered. */
  readonly keepsSession: boolean
  readonly isUnknownSession: boolean
}

/** Classifies what the MCP client threw. */
export function callFailure(
  error: unknown,
  { agent_id, function_name, endpoint }: MeshProvider,
  signal: AbortSignal | undefined,
): CallFailure {
  const chain = causesOf(error)
  const codes = chain.map(({ code }) => code)
  const status = chain.find(({ status }) => typeof status === 'number')?.status
  const what = `${function_name} of ${agent_id} (${new URL(endpoint).origin})`
  const fail = (code: AgentErrorCode, message: string, keepsSession = false): CallFailure => ({
    failure: new AgentError(code, `${what} ${message}`, { cause: error, provider: agent_id }),
    keepsSession,
    isUnknownSession: status === 404,
  })
  if (signal?.aborted) return fail('call_aborted', 'was aborted by the caller', true)
  const unreachable = codes.find((code): code is string => typeof code === 'string' && unreachableCodes.has(code))
  if (unreachable !== undefined) return fail('provider_unreachable', `cannot be reached: ${unreachable}`)
  if (error instanceof UnopenedError && status === undefined)
    return fail('provider_unreachable', `cannot be reached: ${chain.at(-1)?.message?.slice(0, 1000) ?? ''}`)
  if (codes.includes('REQUEST_TIMEOUT') || chain.some(({ name }) => name === 'TimeoutError'))
    return fail('call_timeout', 'did not answer in time', true)
  if (codes.includes(interruptedCode)) return fail('call_interrupted', 'ended the connection before its answer')
  if (status !== undefined) return fail('call_failed', `was refused with status ${status}`)
  const [{ message = '' } = {}] = chain
  if (chain.some(({ name, code }) => name === 'ProtocolError' && typeof code === 'number'))
    return fail('call_failed', `rejects the call: ${message.slice(0, 1000)}`, true)
  return fail('call_interrupted', `broke off: ${chain.at(-1)?.message?.slice(0, 1000) ?? ''}`)
}

type Cause = { readonly name?: string; readonly message?: string; readonly code?: unknown; readonly status?: number }

/** The error and its causes, outermost first. */
function causesOf(error: unknown): Cause[] {
  const chain: Cause[] = []
  for (let at = error; at instanceof Error && chain.length < 8; at = at.cause) chain.push(at)
  return chain
}
