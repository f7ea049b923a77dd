import type { CallToolResult } from '@modelcontextprotocol/server'
import {
  AgentConflict,
  NoAgentsHere,
  NotAllowed,
  ParameterProblem,
  QuotaExceeded,
  RegistrationProblem,
  UnknownAgent,
} from '../agents/errors.ts'
import type { Log } from '../log.ts'
import { redactText } from '../model/redaction/redact-text.ts'
import { NotLoadedYet } from '../registrations/registrations.ts'
import { StoreUnavailable } from '../stores/store.ts'

/** What was asked for cannot be done; whoever called the tool is told why. */
export class ToolError extends Error {
  override name = 'ToolProblem'
}

/** Errors whose message is meant for whoever asked. */
const meant = [
  ToolError,
  NotAllowed,
  NoAgentsHere,
  UnknownAgent,
  ParameterProblem,
  RegistrationProblem,
  AgentConflict,
  QuotaExceeded,
  NotLoadedYet,
] as const

/** Runs a tool: what it found as structured content and as text, or an error that the caller can act on. */
export async function runTool(log: Pick<Log, 'error'>, work: () => object | Promise<object>): Promise<CallToolResult> {
  try {
    const found = await work()
    return { content: [{ type: 'text', text: JSON.stringify(found) }], structuredContent: { ...found } }
  } catch (error) {
    return { content: [{ type: 'text', text: told(error, log) }], isError: true }
  }
}

function told(error: unknown, log: Pick<Log, 'error'>): string {
  if (meant.some((one) => error instanceof one)) return redactText((error as Error).message)
  if (error instanceof StoreUnavailable)
    return `Nothing can be stored now, so nothing was changed. Try again in ${Math.max(1, Math.ceil(error.retry_after))} s.`
  log.error({ err: error }, 'a tool failed')
  return 'The daemon could not do this; its log says why.'
}
