import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createApp } from '../../../src/api/app.ts'
import { createFronts } from '../../../src/api/fast-paths.ts'
import { endpoints, routes } from '../../../src/api/openapi/route-table.ts'
import { createDeletedServers } from '../../../src/api/publish/deleted-servers.ts'
import { parts } from '../served.ts'

describe('the route table', () => {
  it('holds exactly the routes of the application', () => {
    const known = parts()
    const app = createApp({ ...known, hot: createFronts(known).hot, deleted: createDeletedServers(known.registry) })

    const registered = app.routes.map(({ method, path }) => `${method} ${path.replace(/(?<=.)\/$/, '')}`)

    const routed = Object.keys(routes).filter((key) => !routes[key]?.raw)
    assert.deepEqual(routed.toSorted(), [...new Set(registered)].toSorted())
  })

  it('lists a route with several paths once, by its first path', () => {
    const listed = Object.keys(endpoints())

    assert.ok(listed.includes('GET /servers/{namespace}/{name}'))
    assert.ok(listed.includes('GET /health'))
    assert.ok(!listed.includes('GET /healthz'))
    assert.ok(!listed.some((key) => key.includes('/api/v1/')))
  })
})
