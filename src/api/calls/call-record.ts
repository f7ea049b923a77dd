import type { Log } from '../../log.ts'
import { isJsonObject } from '../../model/data/json-object.ts'
import type { Principal } from '../../model/principal.ts'
import { redactText } from '../../model/redaction/redact-text.ts'
import { problemFrom } from '../http/problem.ts'

/** What is known of a call so far. */
type CallFields = {
  readonly method?: string
  readonly tool?: string
  /** The size of a batch. */
  readonly messages?: number
  readonly agent?: string
  /** `namespace/name`. */
  readonly server?: string
  readonly url?: string
  readonly request_bytes?: number
  readonly status?: number
  readonly response_bytes?: number
  readonly end?: string
}

export type CallRecord = ReturnType<typeof createCallRecord>

/** Collects what one call was, for its line in the audit log. Holds no arguments, results or headers. */
export function createCallRecord({ principal, log }: { principal: Principal; log: Pick<Log, 'info'> }) {
  const start = performance.now()
  let fields: CallFields = {}

  function add(more: CallFields): void {
    fields = { ...fields, ...more }
  }

  function write(event: string): void {
    const ms = Math.round(performance.now() - start)
    log.info({ audit: true, principal: principal.name, ...fields, ms }, event)
  }

  return {
    add,
    /** The tool of a call that names no JSON-RPC message. */
    addTool: (tool: string, bytes: number) => add({ tool: plainName(tool) ?? '', request_bytes: bytes }),
    addMessage: (message: unknown, bytes: number) => add({ ...summarizeRpc(message), request_bytes: bytes }),
    forwarded: () => write('call forwarded'),
    /** Writes nothing for a caller without a token: it never gets as far as an agent. */
    failed: (error: unknown, { isCallerGone }: { isCallerGone: boolean }) => {
      const { status, code } = problemFrom(error)
      add({ status, end: isCallerGone ? 'gone' : code })
      if (!principal.anonymous) write(status < 500 ? 'call rejected' : 'call failed')
    },
  }
}

const maxNameLength = 128

/** The method and the tool that a JSON-RPC message names; of a batch, its number of messages. */
function summarizeRpc(message: unknown): Pick<CallFields, 'method' | 'tool' | 'messages'> {
  if (Array.isArray(message)) return { messages: message.length }
  if (!isJsonObject(message)) return {}
  const method = plainName(message['method'])
  const tool = isJsonObject(message['params']) ? plainName(message['params']['name']) : undefined
  return { ...(method !== undefined && { method }), ...(tool !== undefined && { tool }) }
}

/** A name as it may be logged: names are short and plain, and anything else may be data. */
function plainName(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  return value.length <= maxNameLength && /^[\w./:@+-]*$/.test(value) ? redactText(value) : '(not a name)'
}
