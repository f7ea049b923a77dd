import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { before, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { replyToError } from '../../../src/api/http/reply.ts'
import { respond } from '../../../src/api/http/respond.ts'
import { dashboardApi } from '../../../src/api/ui/dashboard.ts'
import { silent } from '../../../src/log.ts'
import { temporary } from '../../e2e/daemon-process.ts'
import { startHere } from '../../in-process-daemon.ts'
import { buildDashboard } from '../../ui/built-dashboard.ts'
import { serve } from '../served-api.ts'

const html = { accept: 'text/html,application/xhtml+xml' }
const byHand = { redirect: 'manual' } as const

describe('the dashboard over HTTP', () => {
  before(buildDashboard)

  it('a browser that opens / is led there, relative to a path prefix; other clients get the list of routes', async () => {
    await using daemon = await startHere()

    const led = await daemon.get('/', { ...byHand, headers: html })
    assert.deepEqual([led.status, led.headers.get('location')], [302, 'ui/'])
    assert.match(led.headers.get('vary') ?? '', /Accept/)
    const short = await daemon.get('/ui?a=b', byHand)
    assert.deepEqual([short.status, short.headers.get('location')], [302, 'ui/?a=b'])
    const other = await daemon.ask('GET', '/', undefined, { accept: '*/*' })
    assert.equal(other.body['status'], 'running')
  })

  it('the page runs nothing but the scripts of the daemon, and finds its assets from each depth', async () => {
    await using daemon = await startHere()

    for (const path of ['/ui/', '/ui/servers', '/ui/servers/default/a%2Fb']) {
      const page = await daemon.get(path)
      const text = await page.text()
      assert.equal(page.status, 200)
      assert.match(
        page.headers.get('content-security-policy') ?? '',
        /default-src 'none'; script-src 'self'; style-src 'self'/,
      )
      assert.doesNotMatch(page.headers.get('content-security-policy') ?? '', /unsafe/)
      assert.equal(page.headers.get('cache-control'), 'no-cache')
      const script = /<script type="module" src="([^"]+)"/.exec(text)?.[1] ?? ''
      const asset = await fetch(new URL(script, page.url))
      assert.equal(asset.status, 200, `${script} from ${path}`)
      assert.match(asset.headers.get('content-type') ?? '', /^text\/javascript/)
      assert.match(asset.headers.get('cache-control') ?? '', /immutable/)
      const known = await daemon.get(path, { headers: { 'if-none-match': page.headers.get('etag') ?? '' } })
      assert.equal(known.status, 304)
    }
    // Deeper than any page: assets would be looked for where the page is.
    const { status, body } = await daemon.ask<{ code: string }>('GET', '/ui/a/b/c/d/e/f/g/h/i/j')
    assert.deepEqual([status, body.code], [404, 'route_not_found'])
  })

  it('assets come in the best encoding that the client takes, and one that does not exist is a problem', async () => {
    await using daemon = await startHere()
    const page = await (await daemon.get('/ui/')).text()
    const script = /src="\.\/(assets\/[^"]+)"/.exec(page)?.[1] ?? ''

    const encodings = await Promise.all(
      ['br, gzip', 'gzip', 'br;q=0, gzip', 'identity'].map((accepted) =>
        encodingOf(`${daemon.url}/ui/${script}`, accepted),
      ),
    )
    assert.deepEqual(encodings, ['br', 'gzip', 'gzip', undefined])
    const missing = await daemon.ask('GET', '/ui/assets/app-OLD.js')
    assert.deepEqual([missing.status, missing.body['code']], [404, 'route_not_found'])
    const hidden = await daemon.ask('GET', '/ui/assets/..%2Ffiles.json')
    assert.equal(hidden.status, 404)
  })

  it('is small: at most 100 kB compressed at first and 160 in all', () => {
    const folder = 'dist/ui/assets'
    const sizeOf = (name: string) => statSync(`${folder}/${name}.gz`).size
    const names = readdirSync(folder).filter((name) => existsSync(`${folder}/${name}.gz`))
    const html = readFileSync('dist/ui/index.html', 'utf8')
    const first = names.filter((name) => html.includes(name) || /^(shared|overview-page)-/.test(name))

    assert.ok(first.length >= 5, first.join(' '))
    const sum = (some: readonly string[]) => some.reduce((total, name) => total + sizeOf(name), 0)
    assert.ok(sum(first) <= 100_000, `${sum(first)} bytes at first`)
    assert.ok(sum(names) <= 160_000, `${sum(names)} bytes in all`)
  })

  it('needs no token where everything else does', async () => {
    await using daemon = await startHere(
      'auth: { anonymous: none, tokens: [{ name: me, token: 0123456789abcdef0123, role: reader }] }\n',
    )

    assert.equal((await daemon.get('/ui/servers')).status, 200)
    assert.equal((await daemon.get('/', { ...byHand, headers: html })).status, 302)
    assert.equal((await daemon.get('/')).status, 401)
    assert.equal((await daemon.get('/servers')).status, 401)
    assert.equal((await daemon.get('/ui/', { method: 'POST' })).status, 401)
  })

  it('is served as it was built last, and while it is built as it was before', async () => {
    using folder = temporary()
    const write = (name: string, text: string) => {
      rmSync(folder.at('ui'), { recursive: true, force: true })
      mkdirSync(folder.at('ui/assets'), { recursive: true })
      const files = [
        { path: 'index.html', type: 'text/html', text: `<script src="./assets/${name}"></script>` },
        { path: `assets/${name}`, type: 'text/javascript', text },
        { path: 'assets/icon.svg', type: 'image/svg+xml', text },
      ]
      for (const file of files) writeFileSync(folder.at(`ui/${file.path}`), file.text)
      const list = files.map(({ path, type, text: hash }) => ({ path, type, hash, encodings: [] }))
      writeFileSync(folder.at('ui/files.json'), JSON.stringify(list))
    }
    const app = dashboardApi({
      ui: () => ({ enabled: true, read_only: false }),
      urlOf: (path) => pathToFileURL(folder.at(`ui/${path}`)),
    })
    app.onError((error, c) => respond(c, replyToError(error, { log: silent, path: c.req.path })))
    await using served = await serve({ app })
    const ask = async (path: string) => {
      const answer = await served.get(path)
      return [answer.status, await answer.text()] as const
    }
    const codeOf = ([status, text]: readonly [number, string]) => [status, (JSON.parse(text) as { code: string }).code]

    assert.deepEqual(codeOf(await ask('/ui/')), [503, 'dashboard_not_built'])
    write('app-ONE.js', 'one')
    assert.match((await ask('/ui/'))[1], /app-ONE/)
    assert.deepEqual(await ask('/ui/assets/icon.svg'), [200, 'one'])

    rmSync(folder.at('ui'), { recursive: true })
    assert.deepEqual(await ask('/ui/assets/icon.svg'), [200, 'one'])
    assert.deepEqual(codeOf(await ask('/ui/assets/app-ONE.js')), [503, 'dashboard_not_built'])

    write('app-OTHER.js', 'other')
    assert.match((await ask('/ui/'))[1], /app-OTHER/)
    assert.deepEqual(await ask('/ui/assets/app-OTHER.js'), [200, 'other'])
    assert.deepEqual(await ask('/ui/assets/icon.svg'), [200, 'other'])
    assert.deepEqual(codeOf(await ask('/ui/assets/app-ONE.js')), [404, 'route_not_found'])
  })

  it('is off where the config says so, with the next reload', async () => {
    await using daemon = await startHere()
    assert.equal((await daemon.get('/ui/')).status, 200)

    await daemon.reload('ui: { enabled: false }\n')

    const off = await daemon.ask('GET', '/ui/')
    assert.deepEqual([off.status, off.body['code']], [404, 'dashboard_disabled'])
    assert.equal((await daemon.get('/', { ...byHand, headers: html })).status, 200)
  })
})

function encodingOf(url: string, accepted: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { headers: { 'accept-encoding': accepted } }, (response) => {
      response.resume()
      resolve(response.headers['content-encoding'])
    })
      .on('error', reject)
      .end()
  })
}
