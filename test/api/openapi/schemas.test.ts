import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as schemas from '../../../src/api/openapi/schemas.ts'
import { serve } from '../served-api.ts'

describe('the OpenAPI schemas', () => {
  for (const [path, schema] of [
    ['/servers/weather', schemas.ServerDetail],
    ['/discover', schemas.Discoverable],
    ['/discover?format=claude', schemas.Discoverable],
    ['/discover?format=vscode', schemas.Discoverable],
    ['/sources', schemas.SourceList],
    ['/tags', schemas.Tags],
    ['/stats', schemas.Stats],
    ['/health', schemas.DaemonHealth],
    ['/readyz', schemas.Readiness],
    ['/', schemas.ServiceInfo],
    ['/nowhere', schemas.ProblemShape],
  ] as const) {
    it(`match the response of ${path}`, async () => {
      await using served = await serve()

      const parsed = schema.safeParse(await (await served.get(path)).json())

      assert.equal(parsed.error, undefined)
    })
  }
})
