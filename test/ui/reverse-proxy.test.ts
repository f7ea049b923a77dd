import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { startHere } from '../in-process-daemon.ts'
import { freePort, installed, startProgram } from '../programs.ts'
import { useBrowser, withoutBrowser } from './browser.ts'

const nginx = installed('nginx')

/** As deploy/README.md has it, without `Host`, which nginx then sets to that of the daemon. */
const proxyTo = (folder: string, port: number, url: string) => `
daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr error;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path ${folder}/t1; proxy_temp_path ${folder}/t2; fastcgi_temp_path ${folder}/t3;
  uwsgi_temp_path ${folder}/t4; scgi_temp_path ${folder}/t5;
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass ${url};
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-For $remote_addr;
    }
  }
}`

async function startProxy(url: string) {
  const port = await freePort()
  const program = await startProgram(nginx ?? '', async (folder) => {
    writeFileSync(join(folder, 'nginx.conf'), proxyTo(folder, port, url))
    return ['-p', folder, '-c', join(folder, 'nginx.conf')]
  })
  await program.until(async () => (await fetch(`http://127.0.0.1:${port}/health`)).status < 500)
  return { ...program, url: `http://roster.localhost:${port}` }
}

describe(
  'the dashboard behind nginx',
  { skip: withoutBrowser ?? (nginx === undefined ? 'nginx is not installed' : false) },
  () => {
    const { openPage } = useBrowser()

    it('shows what it may not do and why, and may do it once the proxy is trusted', async (t) => {
      const server = { name: 'weather', url: 'http://127.0.0.1:1/mcp', capabilities: [{ name: 'rain', kind: 'tool' }] }
      await using daemon = await startHere('health: { enabled: false }\n')
      assert.equal((await daemon.ask('POST', '/servers', server)).status, 201)
      await using proxy = await startProxy(daemon.url)
      const page = await openPage(t, `${proxy.url}/ui/servers`)
      const refusal = page.getByRole('alert').filter({ hasText: 'origin_forbidden' })
      await refusal.getByText(/let it set X-Forwarded-Host and name its network in listen\.trusted_proxies/).waitFor()
      await page.locator('[data-id="default/weather"]').waitFor()

      await daemon.reload('listen: { host: 127.0.0.1, trusted_proxies: [127.0.0.1] }\nhealth: { enabled: false }\n')
      await page.locator('.virtual .tools', { hasText: /^1$/ }).waitFor()
      await refusal.waitFor({ state: 'detached' })

      const direct = await daemon.ask('POST', '/-/reload', undefined, {
        origin: 'http://evil.example',
        'x-forwarded-host': 'evil.example',
      })
      assert.deepEqual([direct.status, direct.body['code']], [403, 'origin_forbidden'])
    })
  },
)
