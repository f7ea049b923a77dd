import type { CallToolResult } from '@modelcontextprotocol/server'
import {
  AgentConflict,
  AgentsNotAccepted,
  PermissionDenied,
  ParameterProblem,
  QuotaExceeded,
  RegistrationProblem,
  UnknownAgent,
} from '../agents/errors.ts'
import type { Log } from '../log.ts'
import { redactText } from '../model/redaction/redact-text.ts'
import { NotLoadedYet } from '../registrations/registrations.ts'
import { StoreUnavailable } from '../stores/store.ts'

/** A failure of a tool whose message the client may see. */
export class ToolError extends Error {
  override name = 'ToolError'
}

/** Errors whose message the client may see. */
const clientErrors = [
  ToolError,
  PermissionDenied,
  AgentsNotAccepted,
  UnknownAgent,
  ParameterProblem,
  RegistrationProblem,
  AgentConflict,
  QuotaExceeded,
  NotLoadedYet,
] as const

/** Runs a tool; its result as structured content and as text, or an error with a remedy. */
export async function runTool(log: Pick<Log, 'error'>, work: () => object | Promise<object>): Promise<CallToolResult> {
  try {
    const result = await work()
    return { content: [{ type: 'text', text: JSON.stringify(result) }], structuredContent: { ...result } }
  } catch (error) {
    return { content: [{ type: 'text', text: errorText(error, log) }], isError: true }
  }
}

function errorText(error: unknown, log: Pick<Log, 'error'>): string {
  if (clientErrors.some((type) => error instanceof type)) return redactText((error as Error).message)
  if (error instanceof StoreUnavailable)
    return `Store unavailable; nothing changed. Retry after ${Math.max(1, Math.ceil(error.retry_after))} s.`
  log.error({ err: error }, 'MCP tool failed')
  return 'Internal error; see the log of the daemon.'
}
