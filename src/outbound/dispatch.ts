import type { Agent, Dispatcher } from 'undici'
import type { Deadline } from '../flow/deadline.ts'
import { type BodyQueue, createBodyQueue } from './body-queue.ts'

/** An answer whose head has been read. */
export type ResponseHead = {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: BodyQueue
}

type Headers = Record<string, string | string[] | undefined>

/**
 * Sends one request and reads the head of its answer. Whatever happens later, the deadline cuts it.
 *
 * Undici's own `request` wraps an exchange in a stream, a signal and their listeners, which cost more than all else a probe
 * does.
 */
export function dispatch(agent: Agent, request: Dispatcher.DispatchOptions, deadline: Deadline): Promise<ResponseHead> {
  const { promise, resolve, reject } = Promise.withResolvers<ResponseHead>()
  let control: Dispatcher.DispatchController | undefined
  const body = createBodyQueue({ goOn: () => control?.resume(), cut: (reason) => control?.abort(reason) })

  function fail(error: Error): void {
    reject(error)
    body.fail(error)
  }

  deadline.onOver((reason) => {
    fail(reason)
    control?.abort(reason)
  })
  agent.dispatch(request, {
    onRequestStart(controller) {
      control = controller
      const reason = deadline.over()
      if (reason) controller.abort(reason)
    },
    onResponseStart(_, status, headers) {
      // Below stands what only announces the answer.
      if (status >= 200) resolve({ status, headers: flat(headers), body })
    },
    onResponseData(controller, chunk) {
      if (!body.add(chunk)) controller.pause()
    },
    onResponseEnd: body.end,
    onResponseError: (_, error) => fail(error),
  })
  return promise
}

function flat(headers: Headers): Record<string, string> {
  for (const name of Object.keys(headers)) {
    const value = headers[name]
    if (Array.isArray(value)) headers[name] = value.join(', ')
  }
  return headers as Record<string, string>
}
