import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { serve } from '../served-api.ts'

describe('the documentation', () => {
  it('serves the committed document with the version and the URL of the daemon', async () => {
    await using served = await serve()

    const { servers, ...document } = (await (await served.get('/openapi.json')).json()) as Record<string, unknown>

    const committed = JSON.parse(readFileSync('config/openapi.json', 'utf8')) as { info: object }
    assert.deepEqual(document, { ...committed, info: { ...committed.info, version: '0.0.0' } })
    assert.deepEqual(servers, [{ url: './' }])
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
