import type { Agent, Dispatcher } from 'undici'
import { type Body, createBody } from './body.ts'
import type { Deadline } from './deadline.ts'

/** An answer whose head has been read. */
export type Answer = {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Body
}

type Headers = Record<string, string | string[] | undefined>

/**
 * Sends one request and reads the head of its answer. Whatever happens later, the deadline cuts it.
 *
 * Undici's own `request` wraps an exchange in a stream, a signal and their listeners, which cost more than all else a probe
 * does.
 */
export function exchange(agent: Agent, request: Dispatcher.DispatchOptions, deadline: Deadline): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  let control: Dispatcher.DispatchController | undefined
  const body = createBody({ goOn: () => control?.resume(), cut: (reason) => control?.abort(reason) })

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
