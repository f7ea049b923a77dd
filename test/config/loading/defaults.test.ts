import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { defaultHost, defaultSources, withPaths } from '../../../src/config/loading/defaults.ts'

describe('the default sources', () => {
  it('include Kubernetes inside a cluster only', () => {
    const types = (cluster: boolean) => defaultSources({ cluster }).map(({ type }) => type)

    assert.deepEqual(types(false), ['env', 'file', 'agents'])
    assert.deepEqual(types(true), ['env', 'file', 'kubernetes', 'agents'])
  })
})

describe('the default host', () => {
  it('is loopback outside a container', () => {
    assert.equal(defaultHost({ container: false, cluster: false }).host, 'localhost')
    assert.equal(defaultHost({ container: true, cluster: false }).host, '0.0.0.0')
    assert.equal(defaultHost({ container: true, cluster: true }).why, 'in a cluster')
  })
})

describe('paths of the command line', () => {
  it('replace those of the first file source, resolved from the working directory', () => {
    const sources = [{ type: 'env' }, { type: 'file', paths: ['/a'] }, { type: 'file', paths: ['/b'] }]

    assert.deepEqual(withPaths(sources, ['here'], { cwd: '/srv' }), [
      { type: 'env' },
      { type: 'file', paths: ['/srv/here'] },
      { type: 'file', paths: ['/b'] },
    ])
  })

  it('leave anything but a list to the schema', () => {
    assert.equal(withPaths('sources', ['here'], { cwd: '/srv' }), 'sources')
  })
})
