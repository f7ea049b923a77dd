import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Discoverable } from '../../../src/api/openapi/client-routes.ts'
import { ProblemShape } from '../../../src/api/openapi/common-schemas.ts'
import { DaemonHealth, Readiness, ServiceInfo } from '../../../src/api/openapi/operation-routes.ts'
import { ServerDetail, Stats, Tags } from '../../../src/api/openapi/servers/server-schemas.ts'
import { SourceList } from '../../../src/api/openapi/source-routes.ts'
import { serve } from '../served-api.ts'

describe('the OpenAPI schemas', () => {
  for (const [path, schema] of [
    ['/servers/weather', ServerDetail],
    ['/discover', Discoverable],
    ['/discover?format=claude', Discoverable],
    ['/discover?format=vscode', Discoverable],
    ['/sources', SourceList],
    ['/tags', Tags],
    ['/stats', Stats],
    ['/health', DaemonHealth],
    ['/readyz', Readiness],
    ['/', ServiceInfo],
    ['/nowhere', ProblemShape],
  ] as const) {
    it(`match the response of ${path}`, async () => {
      await using served = await serve()

      const parsed = schema.safeParse(await (await served.get(path)).json())

      assert.equal(parsed.error, undefined)
    })
  }
})
