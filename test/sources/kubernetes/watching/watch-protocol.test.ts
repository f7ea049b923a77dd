import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseListPage, parseWatchEvent } from '../../../../src/sources/kubernetes/watching/watch-protocol.ts'

describe('page of a list', () => {
  it('has a version, items and the token of the next page', () => {
    const page = parseListPage({ metadata: { resourceVersion: '7', continue: 'token' }, items: [1] }, 'services')
    assert.deepEqual(page, { version: '7', next: 'token', items: [1] })
  })

  it('may be empty and the last one', () => {
    const page = parseListPage({ metadata: { resourceVersion: '7' }, items: null }, 'services')
    assert.deepEqual(page, { version: '7', next: '', items: [] })
  })

  it('is rejected without a version, so that an error never becomes an empty list', () => {
    for (const response of [null, {}, { metadata: {} }, { metadata: { resourceVersion: '' }, items: [] }, 'text'])
      assert.throws(() => parseListPage(response, 'services'), /list services: the API server's response is not a list/)
  })
})

describe('event of a watch', () => {
  it('keeps the whole object', () => {
    const line = '{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"7"},"spec":{}}}'
    const { type, object } = parseWatchEvent(line, 'services')
    assert.deepEqual([type, object], ['ADDED', { metadata: { name: 'a', resourceVersion: '7' }, spec: {} }])
  })

  it('is rejected if it is not JSON or not an event', () => {
    for (const line of ['{"type":"ADDED","obj', '{}', '7'])
      assert.throws(() => parseWatchEvent(line, 'services'), /watch services: invalid event/)
  })
})
