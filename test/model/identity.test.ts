import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { serverId, shortId } from '../../src/model/identity.ts'

describe('the id of a server', () => {
  it('is its namespace and name', () => assert.equal(serverId('team', 'weather'), 'team/weather'))

  it('is short without the default namespace', () => {
    assert.equal(shortId({ namespace: 'default', name: 'weather' }), 'weather')
    assert.equal(shortId({ namespace: 'team', name: 'weather' }), 'team/weather')
  })
})
