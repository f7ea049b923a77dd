import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { serve } from '../served-api.ts'

describe('the documentation', () => {
  it('serves the committed document with the version of the daemon, whose URL is relative to it', async () => {
    await using served = await serve()

    const document: unknown = await (await served.get('/openapi.json')).json()

    const committed = JSON.parse(readFileSync('config/openapi.json', 'utf8')) as {
      info: object
      servers: { url: string }[]
    }
    assert.deepEqual(document, { ...committed, info: { ...committed.info, version: '0.0.0' } })
    // Relative to the document: a gateway may serve it under a prefix.
    assert.equal(committed.servers[0]?.url, '.')
  })

  it('shows the document in a page that loads nothing from other origins', async () => {
    await using served = await serve()

    const page = await served.get('/docs')
    const html = await page.text()

    assert.match(page.headers.get('content-type') ?? '', /^text\/html/)
    assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'.*script-src 'sha256-/)
    assert.doesNotMatch(html, /https?:\/\//)
  })
})
