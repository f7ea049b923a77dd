/** A message of JSON-RPC as it crosses the bridge. */
export type Message = {
  readonly jsonrpc: '2.0'
  readonly id?: string | number
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly result?: unknown
  readonly error?: RpcError
}

export type RpcError = { readonly code: number; readonly message: string; readonly data?: unknown }

export const methodNotFound = -32_601
export const internalError = -32_603

/** The other side answered a request with an error. */
export class RpcFailure extends Error {
  override name = 'RpcFailure'
  readonly error: RpcError

  constructor(error: RpcError) {
    super(error.message)
    this.error = error
  }
}

type Id = string | number
type Handlers = {
  /** Answers a request; its errors become the answer. */
  readonly onRequest: (
    method: string,
    params: Readonly<Record<string, unknown>> | undefined,
    signal: AbortSignal,
  ) => Promise<unknown>
  readonly onNotification: (method: string, params: Readonly<Record<string, unknown>> | undefined) => void
}

export type Peer = ReturnType<typeof createPeer>

/** The bookkeeping of JSON-RPC on one connection: which answer belongs to which request, and which request is cancelled. */
export function createPeer(send: (message: Message) => void, { onRequest, onNotification }: Handlers) {
  const asked = new Map<Id, { resolve: (result: unknown) => void; reject: (error: Error) => void }>()
  const answering = new Map<Id, AbortController>()
  let lastId = 0
  let isIdle: () => void = () => undefined

  /** Takes a message of the other side. */
  function receive({ id, method, params, result, error }: Message): void {
    if (method === undefined) return settle(id, result, error)
    if (id !== undefined) return void answer(id, method, params)
    if (method === 'notifications/cancelled') answering.get(params?.['requestId'] as Id)?.abort()
    else onNotification(method, params)
  }

  function settle(id: Id | undefined, result: unknown, error: RpcError | undefined): void {
    const question = id === undefined ? undefined : asked.get(id)
    if (!question || id === undefined) return
    asked.delete(id)
    if (error) question.reject(new RpcFailure(error))
    else question.resolve(result)
  }

  async function answer(id: Id, method: string, params: Message['params']): Promise<void> {
    const controller = new AbortController()
    answering.set(id, controller)
    try {
      const result = await onRequest(method, params, controller.signal)
      if (!controller.signal.aborted) send({ jsonrpc: '2.0', id, result: result ?? {} })
    } catch (error) {
      // A cancelled request gets no answer, by the specification.
      if (!controller.signal.aborted) send({ jsonrpc: '2.0', id, error: errorOf(error) })
    } finally {
      answering.delete(id)
      if (answering.size === 0) isIdle()
    }
  }

  /** Asks the other side; rejects with an `RpcFailure` where it answers with an error. */
  function request(method: string, params: Message['params'], signal: AbortSignal): Promise<unknown> {
    lastId += 1
    const id = `roster-${lastId}`
    return new Promise((resolve, reject) => {
      asked.set(id, { resolve, reject })
      signal.addEventListener('abort', () => {
        if (!asked.delete(id)) return
        send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } })
        reject(new Error('cancelled'))
      })
      send({ jsonrpc: '2.0', id, method, ...(params ? { params } : {}) })
    })
  }

  function notify(method: string, params?: Message['params']): void {
    send({ jsonrpc: '2.0', method, ...(params ? { params } : {}) })
  }

  /** Cancels the requests of the other side that are not answered yet. */
  function close(): void {
    for (const controller of answering.values()) controller.abort()
  }

  /** Resolves once every request of the other side is answered. */
  async function idle(): Promise<void> {
    if (answering.size > 0) await new Promise<void>((resolve) => void (isIdle = resolve))
  }

  return { receive, request, notify, idle, close }
}

function errorOf(error: unknown): RpcError {
  if (error instanceof RpcFailure) return error.error
  return { code: internalError, message: error instanceof Error ? error.message : String(error) }
}
