import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  EndpointSlice,
  hasReadyEndpoint,
  readyEndpoints,
} from '../../../../src/sources/kubernetes/resources/endpoints.ts'
import { slice } from '../observed-cluster.ts'

const parse = (...args: Parameters<typeof slice>) => EndpointSlice.parse(slice(...args))

describe('EndpointSlice', () => {
  it('counts an endpoint without a condition as ready', () => {
    const parsed = parse('one', {
      endpoints: [{ addresses: ['10.0.0.1'] }, { addresses: ['10.0.0.2'], conditions: {} }],
    })
    assert.equal(parsed.ready.length, 2)
  })

  it('reports no readiness if it is missing', () => {
    assert.equal(hasReadyEndpoint([]), undefined)
    assert.equal(hasReadyEndpoint([parse('one', { ready: [] })]), false)
    assert.equal(hasReadyEndpoint([parse('one', { ready: [] }), parse('two')]), true)
  })

  it('offers its only port under any name, and otherwise the port of the name', () => {
    const ports = [
      { name: 'a', port: 1 },
      { name: 'b', port: 2 },
    ]
    const portsOf = (name: string, ...slices: EndpointSlice[]) => readyEndpoints(slices, name).map(({ port }) => port)
    assert.deepEqual(portsOf('other', parse('one')), [8080])
    assert.deepEqual(portsOf('b', parse('one', { ports })), [2])
    assert.deepEqual(portsOf('other', parse('one', { ports })), [])
  })
})
