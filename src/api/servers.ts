import { type Context, Hono } from 'hono'
import type { Bindings } from './edge.ts'
import { type createHot, unknownServer } from './hot.ts'
import { serverIdIn } from './place.ts'
import { toResponse } from './reply.ts'

/** `/servers` and everything below. Names stand URL-encoded in the path. */
export function serversApi({ hot }: { hot: Pick<ReturnType<typeof createHot>, 'reply'> }) {
  const api = new Hono<{ Bindings: Bindings }>({ strict: false })

  const show = (c: Context) => {
    const { pathname, search } = new URL(c.req.url)
    const reply = hot.reply(pathname + search)
    if (!reply) throw unknownServer(serverIdIn(pathname.replace(/^(\/api\/v1)?\/servers\//, '')))
    return toResponse(c.req.raw, reply)
  }

  api.get('/', show)
  api.get('/:name', show)
  api.get('/:namespace/:name', show)
  return api
}
