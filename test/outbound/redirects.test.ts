import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { after, describe, it } from 'node:test'
import { openHttpClient } from '../../src/outbound/http-client.ts'
import { isOutboundError, startHttpServer, limits } from './test-servers.ts'

const client = openHttpClient()
after(async () => client.close())

describe('redirect', () => {
  const redirectTo =
    (to: string, status = 302) =>
    (request: IncomingMessage, response: ServerResponse) => {
      if (request.url === '/end')
        return void response.end(JSON.stringify({ method: request.method, headers: request.headers }))
      return void response.writeHead(status, { location: to }).end('not read')
    }
  const received = (body: Buffer) => JSON.parse(body.toString()) as { method: string; headers: Record<string, string> }

  it('is returned as the response unless the caller follows redirects', async (t) => {
    const url = await startHttpServer(t, redirectTo('/end'))

    assert.equal((await client.request(url, limits)).status, 302)
    const followed = await client.request(url, { ...limits, maxRedirects: 1, headers: { authorization: 'mine' } })
    assert.equal(followed.url, `${url}/end`)
    assert.equal(received(followed.body).headers['authorization'], 'mine')
  })

  it('carries no credentials and no headers of the caller to another origin', async (t) => {
    const other = await startHttpServer(t, redirectTo('/end'))
    const url = await startHttpServer(t, redirectTo(`${other.replace('://', '://u:p@')}/end`))
    const headers = { authorization: 'mine', cookie: 'mine', 'x-api-key': 'mine', accept: 'application/json' }

    const { body } = await client.request(url, { ...limits, maxRedirects: 1, headers })

    assert.equal(received(body).headers['accept'], 'application/json')
    assert.doesNotMatch(body.toString(), /mine|authorization/)
  })

  it('is checked against the same policy as the first address', async (t) => {
    for (const to of [
      'http://169.254.169.254/',
      'file:///etc/passwd',
      'ftp://127.0.0.1/',
      '//[fd00:ec2::254]/',
      'http://',
    ]) {
      const url = await startHttpServer(t, redirectTo(to))
      await assert.rejects(client.request(url, { ...limits, maxRedirects: 3 }), isOutboundError('blocked'), to)
    }
  })

  it('fails above the limit of redirects', async (t) => {
    let requests = 0
    const url = await startHttpServer(t, (_, response) => response.writeHead(302, { location: `/${++requests}` }).end())

    await assert.rejects(
      client.request(url, { ...limits, maxRedirects: 3 }),
      isOutboundError('blocked', /too many redirects/),
    )
    assert.equal(requests, 4)
  })

  it('turns a POST into a GET, and repeats it (307, 308) within the origin only', async (t) => {
    const post = { ...limits, method: 'POST', body: 'x', maxRedirects: 1, headers: { 'content-type': 'a/b' } } as const
    const [other, toGet, repeated] = [
      await startHttpServer(t, redirectTo('/end')),
      await startHttpServer(t, redirectTo('/end', 303)),
      await startHttpServer(t, redirectTo('/end', 307)),
    ]
    const foreign = await startHttpServer(t, redirectTo(`${other}/end`, 308))

    const get = received((await client.request(toGet, post)).body)
    assert.equal(get.method, 'GET')
    assert.equal(get.headers['content-type'], undefined)
    assert.equal(received((await client.request(repeated, post)).body).method, 'POST')
    await assert.rejects(client.request(foreign, post), isOutboundError('blocked'))
  })
})
