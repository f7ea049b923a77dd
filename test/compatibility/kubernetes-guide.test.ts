import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { type Running, start, temporary, until } from '../e2e/daemon-process.ts'

type Manifest = { data?: Record<string, string>; stringData?: Record<string, string> }

const manifests = parseAllDocuments(readFileSync(join(import.meta.dirname, 'saved', 'kubernetes-guide.yaml'), 'utf8'))
const [configMap, secret] = manifests.map((document) => document.toJS() as Manifest)
/** What the pod of the guide sees. The test itself chooses paths and ports. */
const guide = {
  ...configMap?.data,
  ...secret?.stringData,
  POD_NAME: 'mcp-mesh-registry-0',
  POD_IP: '10.244.0.7',
  REGISTRY_INSTANCE_ID: 'mcp-mesh-registry-0',
  METRICS_PORT: '0',
}
const token = String(secret?.stringData?.['AUTH_TOKEN'])
const accessWarning = /AUTH_TOKEN with REGISTRY_PORT.*auth\.anonymous/

/** The request of the guide's load test. */
function register(daemon: Running, n: number, headers: Record<string, string> = {}): Promise<Response> {
  return daemon.get('/api/v1/agents', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ id: `test-agent-${n}`, capabilities: ['test'], endpoint: `http://agent-${n}:8080` }),
  })
}

function warningsOf(daemon: Running): string[] {
  return daemon.lines.flatMap(({ msg, warning }) => (msg === 'config warning' ? String(warning) : []))
}

for (const host of ['localhost', '0.0.0.0']) {
  describe(`with the environment of the Kubernetes guide on ${host}`, () => {
    const folder = temporary()
    const database = folder.at('registry.db')
    let daemon: Running
    before(async () => {
      const env = { ...guide, DATABASE_PATH: database }
      daemon = await start(['--host', host, folder.at('servers')], { home: folder.path, env })
    })
    after(async () => {
      await daemon[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    })

    it('the load test of the guide registers all of its 100 agents, without a token', async () => {
      const statuses = await Promise.all(
        Array.from({ length: 100 }, async (_, n) => (await register(daemon, n)).status),
      )

      assert.deepEqual(
        statuses.filter((status) => status !== 200),
        [],
      )
      const { agents } = await daemon.json<{ agents: object[] }>('/api/v1/agents')
      const { capabilities } = await daemon.json<{ capabilities: object[] }>('/api/v1/capabilities')
      assert.deepEqual([agents.length, capabilities.length], [100, 100])
    })

    it('every other request of the guide is answered', async () => {
      for (const path of ['/health', '/ready']) await until(async () => (await daemon.get(path)).status === 200)
      const metricsUrl = daemon.lines.find(({ msg }) => msg === 'metrics port opened')?.['url']
      for (const url of [`${daemon.url}/metrics`, String(metricsUrl)]) {
        const text = await (await fetch(url)).text()
        for (const name of ['agents_total', 'requests_total', 'errors_total'])
          assert.match(text, RegExp(`^mcp_registry_${name}`, 'm'))
      }
      const reader = new DatabaseSync(database, { readOnly: true })
      assert.equal(reader.prepare('SELECT * FROM agents;').all().length, 100)
      reader.close()
    })

    it('one warning names the setting', () => {
      assert.equal(warningsOf(daemon).filter((warning) => accessWarning.test(warning)).length, 1)
    })

    it('a caller without a token administers nothing, and the token of the Secret everything', async () => {
      const put = (headers: Record<string, string>) =>
        daemon.get('/servers/default/hand', {
          method: 'PUT',
          headers: { 'content-type': 'application/json', ...headers },
          body: '{"url":"http://hand.internal/mcp"}',
        })

      assert.equal((await put({})).status, 403)
      assert.equal((await put({ authorization: `Bearer ${token}` })).status, 201)
      assert.equal((await register(daemon, 1, { authorization: 'Bearer wrong' })).status, 401)
    })
  })
}

describe('a config beside the environment of the Kubernetes guide', () => {
  it('decides about callers without a token, also when it is reloaded', async () => {
    using folder = temporary()
    const config = folder.at('config.yaml')
    writeFileSync(config, 'sources: [{ type: agents }]\n')
    const env = { ...guide, DATABASE_PATH: folder.at('registry.db') }
    await using daemon = await start(['--config', config], { home: folder.path, env })
    const reload = async (text: string) => {
      writeFileSync(config, text)
      const headers = { authorization: `Bearer ${token}` }
      assert.equal((await daemon.get('/-/reload', { method: 'POST', headers })).status, 200)
    }

    assert.equal((await register(daemon, 1)).status, 200)
    await reload('auth: { anonymous: reader }\nsources: [{ type: agents }]\n')
    assert.equal((await register(daemon, 2)).status, 403)
    await reload('auth:\nsources: [{ type: agents }]\n')
    assert.equal((await register(daemon, 3)).status, 403)
    await reload('sources: [{ type: agents }]\n')
    assert.equal((await register(daemon, 4)).status, 200)
  })
})
