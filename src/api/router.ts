import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { Principal } from '../model/principal.ts'
import { createApp, type AppParts } from './app.ts'
import type { Api, Route } from './http/pipeline.ts'

/** Hands raw requests to the routes of an application. */
export function routeTo(app: Api): Route {
  const principals = new WeakMap<object, Principal>()
  const listener = getRequestListener(
    (request, env) => {
      const incoming = env.incoming as IncomingMessage
      const principal = principals.get(incoming)
      return app.fetch(request, {
        incoming,
        outgoing: env.outgoing as ServerResponse,
        ...(principal ? { principal } : {}),
      })
    },
    { hostname: 'localhost' },
  )
  return (request, response, principal) => {
    principals.set(request, principal)
    void listener(request, response)
  }
}

export function createRouter(parts: AppParts): Route {
  return routeTo(createApp(parts))
}
