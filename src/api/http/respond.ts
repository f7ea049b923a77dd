import type { Context } from 'hono'
import { compression } from './compression.ts'
import type { Bindings } from './pipeline.ts'
import { jsonReply, namesTag, type Reply } from './reply.ts'

export type ApiContext = Context<{ Bindings: Bindings }>

/** Answers a route with a reply: 304, bare head and compressed variant as the request asks. */
export async function respond(c: ApiContext, reply: Reply): Promise<Response> {
  const asked = c.req.header('if-none-match')
  if (asked !== undefined && reply.etag !== undefined && namesTag(asked, reply.etag)) {
    return new Response(null, { status: 304, headers: reply.unchanged ?? {} })
  }
  const { body, status, headers } = await compression.variant(reply, c.req.header('accept-encoding'))
  return new Response(status === 204 ? null : (body as Uint8Array<ArrayBuffer>), { status, headers })
}

/** Answers JSON that is made anew each time. */
export function respondJson(c: ApiContext, value: unknown, status = 200): Promise<Response> {
  return respond(c, { ...jsonReply(Buffer.from(JSON.stringify(value)), { headers: fresh }), status })
}

const fresh = { 'cache-control': 'no-store' }

/** A reply made once per revision: `make` runs only when the token has moved on since the last time. */
export function createPerRevision(token: () => string, make: () => unknown) {
  let made: { token: string; reply: Reply } | undefined
  return (): Reply => {
    const now = token()
    if (made?.token !== now) {
      made = { token: now, reply: jsonReply(Buffer.from(JSON.stringify(make())), { etag: `"${now}"` }) }
    }
    return made.reply
  }
}
