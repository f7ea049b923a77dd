import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { serve } from '../../served-api.ts'

const page = 'https://roster.example'
const trusted = { trustedProxies: ['127.0.0.0/8'], hosts: ['roster.example'] }

type Given = { readonly guard: object; readonly headers: Readonly<Record<string, string>>; readonly origin?: string }

/** Status of a write, and what its problem says. */
async function write({ guard, headers, origin = page }: Given): Promise<{ status: number; detail: string }> {
  await using served = await serve({ guard })
  const answer = await served.get('/-/reload', { method: 'POST', headers: { origin, ...headers } })
  const { code, detail = '' } = (await answer.json()) as { code?: string; detail?: string }
  assert.equal(code, answer.status === 403 ? 'origin_forbidden' : undefined)
  return { status: answer.status, detail }
}

describe('a page behind a proxy that changes Host', () => {
  for (const headers of [
    { 'x-forwarded-host': 'roster.example' },
    { 'x-forwarded-host': 'ROSTER.example:443', 'x-forwarded-proto': 'https' },
    { 'x-forwarded-host': 'evil.example, roster.example' },
    { forwarded: 'for=192.0.2.1;host=evil.example, for=10.0.0.1;Proto=https; Host="roster.example"' },
    { 'x-forwarded-host': 'roster.example', forwarded: 'host=roster.example' },
  ])
    it(`may write where a trusted proxy names its host: ${JSON.stringify(headers)}`, async () => {
      assert.equal((await write({ guard: trusted, headers })).status, 200)
    })

  it('may write at an address, which no name can be rebound to', async () => {
    const headers = { 'x-forwarded-host': '192.0.2.7:8080' }
    assert.equal((await write({ guard: trusted, headers, origin: 'http://192.0.2.7:8080' })).status, 200)
  })

  const forwarded = { 'x-forwarded-host': 'roster.example' }
  for (const [why, given, remedy] of [
    [
      'the proxy is not trusted',
      { guard: { ...trusted, trustedProxies: ['10.0.0.0/8'] }, headers: forwarded },
      /listen\.trusted_proxies.*listen\.hosts/,
    ],
    ['no proxy is trusted', { guard: { ...trusted, trustedProxies: [] }, headers: forwarded }, /proxy_set_header Host/],
    ['the proxy names no host', { guard: trusted, headers: { 'x-forwarded-proto': 'https' } }, /X-Forwarded-Host/],
    [
      'the proxy names another host',
      { guard: trusted, headers: { 'x-forwarded-host': 'a.example' } },
      /is not that of/,
    ],
    [
      'the proxy names another scheme',
      { guard: trusted, headers: { ...forwarded, 'x-forwarded-proto': 'http' } },
      /Proto/,
    ],
    [
      'the proxy names another port',
      { guard: trusted, headers: { 'x-forwarded-host': 'roster.example:8443' } },
      /port/,
    ],
    ['the headers do not agree', { guard: trusted, headers: { ...forwarded, forwarded: 'host=a.example' } }, /is not/],
    ['the header is no host', { guard: trusted, headers: { 'x-forwarded-host': 'roster.example/..\\x' } }, /is not/],
    [
      'its name may be rebound',
      { guard: { ...trusted, loopback: false, hosts: [] }, headers: forwarded },
      /listen\.hosts/,
    ],
    [
      'its name is not the one that is listed',
      { guard: trusted, headers: { 'x-forwarded-host': 'evil.example' }, origin: 'https://evil.example' },
      /listen\.hosts/,
    ],
    [
      'its origin is opaque',
      { guard: trusted, headers: { 'x-forwarded-host': 'null' }, origin: 'null' },
      /cors\.origins/,
    ],
  ] as const)
    it(`may not write where ${why}`, async () => {
      const { status, detail } = await write(given)

      assert.equal(status, 403)
      assert.match(detail, remedy)
    })
})
