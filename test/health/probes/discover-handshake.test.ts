import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { discoverHandshake } from '../../../src/health/probes/discover-handshake.ts'
import type { ProbeRequest } from '../../../src/health/probes/probe.ts'
import type { RecordingFetch } from '../../../src/health/probes/recording-fetch.ts'

const request = { url: 'http://weather.example/mcp' } as ProbeRequest

/** The result of a handshake with a server whose response has this body. */
async function handshake(body: string | string[], type = 'application/json') {
  let closed = false
  const chunks = (async function* () {
    for (const text of [body].flat()) yield Promise.resolve(Buffer.from(text))
  })()
  const exchange: RecordingFetch['exchange'] = () =>
    Promise.resolve({
      status: 200,
      headers: { 'content-type': type },
      url: request.url,
      body: chunks,
      close: () => (closed = true),
    })
  const result = await discoverHandshake(request, { exchange } as RecordingFetch)
  assert.ok(closed)
  return result.type
}

const discovered = (versions: string[]) =>
  JSON.stringify({ jsonrpc: '2.0', id: 'discover', result: { supportedVersions: versions, capabilities: {} } })
const error = (code: number) => JSON.stringify({ jsonrpc: '2.0', id: 'discover', error: { code, message: '' } })

describe('discover handshake', () => {
  it('recognises servers of the revision 2026-07-28, of another revision, and others', async () => {
    assert.equal(await handshake(discovered(['2026-07-28'])), 'modern')
    assert.equal(await handshake(discovered(['2027-01-01'])), 'other_revision')
    assert.equal(await handshake(error(-32_022)), 'other_revision')
    assert.equal(await handshake(error(-32_601)), 'none')
    for (const body of ['', '{', 'null', '[]', '{"result":{}}']) assert.equal(await handshake(body), 'none', body)
    assert.equal(await handshake(discovered(['2026-07-28']), 'text/html'), 'none')
  })

  it('reads the first event of a stream that is never closed', async () => {
    const event = `: comment\n\ndata: ${discovered(['2026-07-28'])}\n\n`
    const cut = event.length / 2

    assert.equal(await handshake([event.slice(0, cut), event.slice(cut)], 'text/event-stream'), 'modern')
    assert.equal(await handshake(['data: ', '\n\n'], 'text/event-stream'), 'none')
  })

  it('stops reading at 64 KiB', async () => {
    assert.equal(await handshake([' '.repeat(65_537), discovered(['2026-07-28'])]), 'none')
  })
})
