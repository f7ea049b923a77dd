import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { describe, it } from 'node:test'
import { parseWatchRequest, type WatchRequest } from '../../../src/api/watch/watch-request.ts'

function parse(
  url: string,
  {
    method = 'GET',
    headers = {},
    strict = true,
    hasFields = true,
  }: { method?: string; headers?: object; strict?: boolean; hasFields?: boolean } = {},
): WatchRequest | undefined {
  const request = { method, url, headers } as Pick<IncomingMessage, 'method' | 'url' | 'headers'> as IncomingMessage
  return parseWatchRequest(request, { path: '/servers', strict, hasFields })
}

describe('a watch request', () => {
  for (const [url, expected] of [
    ['/servers/watch', { type: 'stream', format: 'sse', from: undefined }],
    ['/api/v1/servers/watch/?tag=x', { type: 'stream', format: 'sse', from: undefined }],
    ['/servers?watch=TRUE', { type: 'stream', format: 'lines', from: undefined }],
    ['/servers?%77atch=1&resource_version=e-1', { type: 'stream', format: 'lines', from: 'e-1' }],
    ['/servers?index=e-1', { type: 'poll', index: 'e-1', waitMs: 30_000 }],
    ['/servers?index=e-1&wait=5m', { type: 'poll', index: 'e-1', waitMs: 300_000 }],
  ] as const) {
    it(`is a ${expected.type} at ${url}`, () => {
      const { parameters: _parameters, ...request } = parse(url) as Record<string, unknown>

      assert.deepEqual(request, expected)
    })
  }

  for (const url of [
    '/servers',
    '/servers?tag=x',
    '/servers?watch=false',
    '/servers?index=',
    '/servers/a',
    '/servers/default/watch',
    '/serverswatch',
    '/agents/watch',
  ])
    it(`is none at ${url}`, () => {
      assert.equal(parse(url), undefined)
    })

  it('is none for another method than GET and HEAD', () => {
    assert.equal(parse('/servers/watch', { method: 'POST' }), undefined)
    assert.equal(parse('/servers/watch', { method: 'HEAD' })?.type, 'stream')
  })

  it('resumes from Last-Event-ID before resource_version', () => {
    const request = parse('/servers/watch?resource_version=e-1', { headers: { 'last-event-id': 'e-2' } })

    assert.ok(request?.type === 'stream')
    assert.equal(request.from, 'e-2')
  })

  for (const [url, parameter] of [
    ['/servers?watch=perhaps', 'watch'],
    ['/servers/watch?limit=5', 'limit'],
    ['/servers?watch=1&sort=name', 'sort'],
    ['/servers/watch?view=full', 'view'],
    ['/servers/watch?secrets=true', 'secrets'],
    ['/servers?index=e-0&wait=never', 'wait'],
    ['/servers?index=e-0&wait=2h', 'wait'],
    ['/servers?index=e-0&index=e-1', 'index'],
    ['/servers?watch=true&index=e-0', 'index'],
    ['/servers?wait=5s&index=', 'wait'],
    ['/servers?resource_version=e-0', 'resource_version'],
  ] as const) {
    it(`is invalid at ${url}, naming ${parameter}`, () => {
      const request = parse(url)

      assert.ok(request?.type === 'invalid')
      assert.equal(request.issue.parameter, parameter)
      assert.match(request.issue.detail, new RegExp(`^${parameter}: `))
    })
  }

  it('is invalid with fields where the path has none', () => {
    const request = parse('/servers/watch?fields=id', { hasFields: false })

    assert.ok(request?.type === 'invalid')
    assert.equal(request.issue.parameter, 'fields')
  })

  it('is none for a parameter without a watch where the path is not strict', () => {
    assert.equal(parse('/servers?wait=5s', { strict: false }), undefined)
  })
})
