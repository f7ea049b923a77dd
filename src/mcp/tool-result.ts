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

/** Maximum bytes of the results of one request, a batch too. Each is sent twice: as text and as structured content. */
const maxResultBytes = 1024 * 1024

export type ToolRunner = ReturnType<typeof createToolRunner>

/** Runs the tools that one request calls; each gives its result as text and structured, or an error with a remedy. */
export function createToolRunner(log: Pick<Log, 'error'>) {
  let bytes = 0
  let isFull = false

  async function run(
    work: () => object | Promise<object>,
    assertFits: (text: string) => void,
  ): Promise<CallToolResult> {
    try {
      // Without a pause where there is nothing to wait for, so that the next call of a batch sees how long this result is.
      const made = work()
      const result = made instanceof Promise ? await made : made
      const text = JSON.stringify(result)
      assertFits(text)
      return { content: [{ type: 'text', text }], structuredContent: { ...result } }
    } catch (error) {
      return { content: [{ type: 'text', text: errorText(error, log) }], isError: true }
    }
  }

  function assertFits(text: string): void {
    bytes += Buffer.byteLength(text)
    isFull = bytes > maxResultBytes
    assertNotFull()
  }

  function assertNotFull(): void {
    if (isFull) throw new ToolError(tooLarge)
  }

  return {
    /** Runs a tool that changes nothing. It fails where its result, or those before it, are too large. */
    read: (work: () => object | Promise<object>) => run(() => (assertNotFull(), work()), assertFits),
    /** Runs a tool that changes something. Its result, which is short, always comes: the change has happened. */
    write: (work: () => object | Promise<object>) => run(work, () => {}),
  }
}

const tooLarge = `The results of this request are larger than ${maxResultBytes} bytes together. Ask for less: a smaller limit, a filter, fields without view "full", or one request per call.`

function errorText(error: unknown, log: Pick<Log, 'error'>): string {
  if (clientErrors.some((type) => error instanceof type)) return redactText((error as Error).message)
  if (error instanceof StoreUnavailable)
    return `Store unavailable; nothing changed. Retry after ${Math.max(1, Math.ceil(error.retry_after))} s.`
  log.error({ err: error }, 'MCP tool failed')
  return 'Internal error; see the log of the daemon.'
}
