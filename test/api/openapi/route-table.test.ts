import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createApp } from '../../../src/api/app.ts'
import { endpoints, routes } from '../../../src/api/openapi/route-table.ts'
import { parts } from '../served-api.ts'

describe('the route table', () => {
  it('holds exactly the routes of the application', () => {
    const app = createApp(parts())

    const registered = app.routes.map(({ method, path }) => `${method} ${path.replace(/(?<=.)\/$/, '')}`)

    const routed = Object.entries(routes).map(([key, { routedBy = key }]) =>
      key.includes(' /api/v1/') && routedBy !== key ? routedBy.replace(' ', ' /api/v1') : routedBy,
    )
    assert.deepEqual([...new Set(routed)].toSorted(), [...new Set(registered)].toSorted())
  })

  it('leaves all routes to the RegExpRouter of Hono, the fast one', () => {
    const { router } = createApp(parts())

    router.match('GET', '/servers')

    assert.equal(router.name, 'SmartRouter + RegExpRouter')
  })

  it('lists a route with several paths once, by its first path', () => {
    const listed = Object.keys(endpoints())

    assert.ok(listed.includes('GET /servers/{namespace}/{name}'))
    assert.ok(listed.includes('GET /health'))
    assert.ok(!listed.includes('GET /healthz'))
    assert.ok(!listed.some((key) => key.includes('/api/v1/')))
  })
})
