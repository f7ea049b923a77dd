import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import type { V1ConfigMap } from '@kubernetes/client-node'
import { type LoadedConfig, loadConfig } from '../../src/config/load.ts'
import { temporary } from '../e2e/daemon-process.ts'
import { configIn, environmentOf, manifestsOf, ofKind, rosterOf, workloadsIn } from './manifests.ts'

const secrets: Readonly<Record<string, string>> = {
  AUTH_TOKEN_FILE: 'a-long-random-token',
  DATABASE_URL_FILE: 'postgres://roster:secret@db.example:5432/roster?sslmode=verify-full',
}

/** The config of a manifest as its daemon loads it: variables, file and secrets, in a cluster. */
async function loadedFrom(file: string): Promise<LoadedConfig> {
  using folder = temporary()
  const objects = manifestsOf(file)
  const [workload] = workloadsIn(objects)
  const env = environmentOf(rosterOf(workload ?? assert.fail(file)))
  for (const [name, path] of Object.entries(env).filter(([name]) => name.endsWith('_FILE'))) {
    env[name] = join(folder.path, path)
    mkdirSync(dirname(env[name]), { recursive: true })
    writeFileSync(env[name], secrets[name] ?? assert.fail(name))
  }
  const config = configIn(objects)
  if (config) writeFileSync(folder.at('config.yaml'), config)
  return await loadConfig({
    flags: config ? { config: folder.at('config.yaml') } : {},
    env: { ...env, KUBERNETES_SERVICE_HOST: '10.0.0.1' },
    defaultFile: folder.at('none.yaml'),
  })
}

const kube = { type: 'kubernetes', namespaces: undefined }
const found = ({ config }: LoadedConfig) =>
  config.sources.map((one) => (one.type === 'kubernetes' ? { type: one.type, namespaces: one.namespaces } : one.type))

describe('the config of each manifest', () => {
  it('config of each manifest loads without warnings', async () => {
    for (const mode of ['aggregator', 'namespaced', 'stateful', 'postgres', 'sidecar']) {
      const { warnings, notes, config } = await loadedFrom(`deploy/kubernetes/${mode}.yaml`)
      assert.deepEqual({ warnings, notes }, { warnings: [], notes: [] }, mode)
      assert.equal(config.listen.host, mode === 'sidecar' ? 'localhost' : '0.0.0.0')
      assert.equal(config.listen.port, 8000)
    }
  })

  it('config of each mode has its sources and its store', async () => {
    const aggregator = await loadedFrom('deploy/kubernetes/aggregator.yaml')
    assert.deepEqual(found(aggregator).slice(0, 1), [kube])
    assert.deepEqual(aggregator.config.store, { type: 'sqlite', path: '/var/lib/mcp-roster/roster.db' })

    const namespaced = await loadedFrom('deploy/kubernetes/namespaced.yaml')
    assert.deepEqual(found(namespaced).slice(0, 1), [{ type: 'kubernetes', namespaces: ['mcp-roster', 'tools'] }])

    const stateful = await loadedFrom('deploy/kubernetes/stateful.yaml')
    assert.deepEqual(found(stateful).slice(0, 2), [kube, 'agents'])
    assert.deepEqual(stateful.config.store, { type: 'sqlite', path: '/var/lib/mcp-roster/roster.db' })
    assert.equal(stateful.config.auth.anonymous, 'registrar')
    assert.equal(stateful.config.auth.token, 'a-long-random-token')

    const { config } = await loadedFrom('deploy/kubernetes/postgres.yaml')
    assert.equal(config.store.type, 'postgres')
    assert.match(JSON.stringify(config.store), /db\.example/)
  })

  it('sidecar example is configured by variables alone and reads the file beside it', async () => {
    const { config, warnings } = await loadedFrom('deploy/sidecar.yaml')
    assert.deepEqual(warnings, [])
    assert.equal(config.store.type, 'memory')
    assert.equal(config.listen.host, 'localhost')
    assert.deepEqual(
      config.sources.flatMap((one) => (one.type === 'file' ? one.paths : [])),
      ['/etc/mcp'],
    )
    const [map] = ofKind<V1ConfigMap>(manifestsOf('deploy/sidecar.yaml'), 'ConfigMap')
    assert.match(map?.data?.['servers.yaml'] ?? '', /weather/)
  })
})
