import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { freePort, installed, startProgram } from '../../programs.ts'
import { errorIn, namesIn } from '../poll-source.ts'
import { openHttpSource, servers } from './test-directory.ts'

const nginx = installed('nginx')
const openssl = installed('openssl')
const skip = nginx === undefined ? 'nginx is not installed' : openssl === undefined ? 'openssl is not installed' : false

const config = (folder: string, port: number, tlsPort: number) => `
daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr warn;
events { worker_connections 64; }
http {
  access_log off; types { application/json json; text/html html; }
  client_body_temp_path ${folder}/t1; proxy_temp_path ${folder}/t2; fastcgi_temp_path ${folder}/t3;
  uwsgi_temp_path ${folder}/t4; scgi_temp_path ${folder}/t5;
  gzip on; gzip_min_length 1; gzip_types application/json;
  server { listen 127.0.0.1:${port}; root ${folder}/www; location /slow/ { limit_rate 1; } location = /moved { return 302 https://elsewhere.example/; } location /busy { add_header Retry-After 30 always; return 503; } }
  server {
    listen 127.0.0.1:${tlsPort} ssl; root ${folder}/www;
    ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem;
  }
}`

/** A real nginx with a folder of files, over HTTP and TLS. */
async function startNginx() {
  const [port, tlsPort] = [await freePort(), await freePort()]
  const program = await startProgram(nginx ?? '', async (folder) => {
    await mkdir(join(folder, 'www', 'slow'), { recursive: true })
    await writeFile(join(folder, 'nginx.conf'), config(folder, port, tlsPort))
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'key.pem']
    execFileSync(openssl ?? '', ['req', '-x509', ...key, '-days', '2', '-out', 'cert.pem', ...subject], {
      cwd: folder,
      stdio: 'ignore',
    })
    return ['-p', folder, '-c', join(folder, 'nginx.conf')]
  })
  const url = `http://127.0.0.1:${port}`
  // The user who runs the tests may differ from the user that nginx runs as.
  execFileSync('chmod', ['-R', 'a+rX', program.folder])
  await program.until(async () => (await fetch(`${url}/none`)).status === 404)

  /** Replaces a file at once, as a careful publisher does. */
  async function publish(path: string, body: string | Buffer): Promise<void> {
    await writeFile(join(program.folder, 'next'), body)
    await rename(join(program.folder, 'next'), join(program.folder, 'www', path))
  }

  return {
    ...program,
    publish,
    url,
    tlsUrl: `https://localhost:${tlsPort}`,
    certificate: { file: join(program.folder, 'cert.pem') },
  }
}

describe('the source http with a real server (nginx)', { skip }, () => {
  it('reads over TLS, compressed, and again only after a change', async () => {
    await using place = await startNginx()
    await place.publish(
      'servers.json',
      JSON.stringify(servers(...Array.from({ length: 300 }, (_, index) => `server-${index}`))),
    )
    await using source = openHttpSource({ url: `${place.tlsUrl}/servers.json`, tls: { ca: place.certificate } })

    const [first] = await source.next()
    assert.equal(namesIn(first).length, 300)
    assert.equal((await source.refresh())[0], first)

    await place.publish('servers.json', JSON.stringify(servers('weather')))
    assert.deepEqual(namesIn((await source.refresh())[0]), ['weather'])
  })

  it('rejects slow, huge, busy, moved and HTML answers, and recovers', async (test: TestContext) => {
    await using place = await startNginx()
    const body = JSON.stringify(servers('weather'))
    await place.publish('good.json', body)
    await place.publish('slow/servers.json', body)
    await place.publish('huge.json', `{"servers": {}, "padding": "${'x'.repeat(20_000_000)}"}`)
    await place.publish('page.html', '<!doctype html>hello')
    const paths = ['good.json', 'slow/servers.json', 'huge.json', 'busy', 'moved', 'page.html', 'none.json']
    await using source = openHttpSource({ urls: paths.map((path) => `${place.url}/${path}`), timeout: 1 })
    const before = performance.now()

    const [good, ...bad] = await source.next()

    assert.ok(performance.now() - before < 3000)
    assert.deepEqual(namesIn(good), ['weather'])
    const reasons = [
      /timed out/,
      /bytes|big|larg|long/i,
      /503/,
      /redirects to https:..elsewhere.example/,
      /web page/,
      /404/,
    ]
    for (const [index, reason] of reasons.entries()) assert.match(errorIn(bad[index]).message, reason)
    assert.equal(errorIn(bad[2]).retry_after, 30)

    await place.publish('huge.json', body)
    test.diagnostic('the huge document is small again')
    assert.deepEqual(namesIn((await source.refresh())[2]), ['weather'])
  })
})
