import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pathWithEncodedName } from '../../../src/api/publish/official-registry.ts'

describe('the path of a published name', () => {
  for (const [path, routed] of [
    ['/v0.1/servers', '/v0.1/servers'],
    ['/v0.1/servers/', '/v0.1/servers'],
    ['/v0.1/servers/org.example/weather', '/v0.1/servers/org.example%2Fweather'],
    ['/v0.1/servers/org.example%2Fweather', '/v0.1/servers/org.example%2Fweather'],
    ['/v0/servers/org.example/weather/versions/latest', '/v0/servers/org.example%2Fweather/versions/latest'],
    ['/v0.1/servers/weather/versions', '/v0.1/servers/weather/versions'],
    ['/v0.1/servers/a/b/c', '/v0.1/servers/a/b/c'],
    ['/servers/a/b', '/servers/a/b'],
  ] as const)
    it(`is ${routed} for ${path}`, () => {
      assert.equal(pathWithEncodedName(new Request(`http://localhost${path}?x=a/b`)), routed)
    })
})
