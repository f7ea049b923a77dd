import type { Agent, Dispatcher } from 'undici'
import type { Deadline } from '../flow/deadline.ts'
import { type BodyQueue, createBodyQueue } from './body-queue.ts'

/** A response whose head has been read. */
export type ResponseHead = {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: BodyQueue
}

type RawHeaders = Record<string, string | string[] | undefined>

/**
 * Sends one request and resolves with the head of its response. The deadline covers the body too.
 *
 * Undici's own `request` adds a stream, a signal and their listeners to an exchange, which cost more than the rest of a
 * probe.
 */
export function dispatch(agent: Agent, request: Dispatcher.DispatchOptions, deadline: Deadline): Promise<ResponseHead> {
  const { promise, resolve, reject } = Promise.withResolvers<ResponseHead>()
  let control: Dispatcher.DispatchController | undefined
  const body = createBodyQueue({ resume: () => control?.resume(), abort: (reason) => control?.abort(reason) })

  function fail(error: Error): void {
    reject(error)
    body.fail(error)
  }

  deadline.onAbort((reason) => {
    fail(reason)
    control?.abort(reason)
  })
  agent.dispatch(request, {
    onRequestStart(controller) {
      control = controller
      const reason = deadline.abortReason()
      if (reason) controller.abort(reason)
    },
    onResponseStart(_, status, headers) {
      // Informational responses (1xx) precede the actual one.
      if (status >= 200) resolve({ status, headers: joinValues(headers), body })
    },
    onResponseData(controller, chunk) {
      if (!body.add(chunk)) controller.pause()
    },
    onResponseEnd: body.end,
    onResponseError: (_, error) => fail(error),
  })
  return promise
}

function joinValues(headers: RawHeaders): Record<string, string> {
  for (const name of Object.keys(headers)) {
    const value = headers[name]
    if (Array.isArray(value)) headers[name] = value.join(', ')
  }
  return headers as Record<string, string>
}
