import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Reading } from '../../../../src/model/source.ts'
import { ConfigMap, createConfigMapReader } from '../../../../src/sources/kubernetes/resources/configmaps.ts'
import { configMap } from '../observed-cluster.ts'

const good = 'servers:\n  geo:\n    url: http://geo/mcp\n'

async function read(data: Record<string, string>, extra: Record<string, unknown> = {}): Promise<readonly Reading[]> {
  return createConfigMapReader().read(ConfigMap.parse({ ...configMap('mine', data), ...extra }))
}

const valuesOf = (reading: Reading | undefined) =>
  reading && 'entries' in reading ? reading.entries.map((entry) => ('value' in entry ? entry.value : entry)) : []

describe('ConfigMap', () => {
  it('has one origin for each key that is a document', async () => {
    const readings = await read({
      'a.yaml': good,
      'b.yml': good,
      'c.json': '{"mcpServers":{"x":{"command":"y"}}}',
      'README.md': '#',
      'a.yaml.bak': '[',
    })
    assert.deepEqual(
      readings.map(({ origin }) => origin),
      ['configmap/prod/mine/a.yaml', 'configmap/prod/mine/b.yml', 'configmap/prod/mine/c.json'],
    )
  })

  it('puts its servers into its namespace, and rejects those of another', async () => {
    const [reading] = await read({
      'a.yaml':
        'servers:\n  geo: {url: "http://geo/mcp"}\n  same: {url: "http://s/mcp", namespace: prod}\n  evil: {url: "http://e/mcp", namespace: kube-system}\n',
    })
    const [geo, same, evil] = valuesOf(reading) as Record<string, unknown>[]

    assert.deepEqual([geo?.['namespace'], same?.['namespace']], ['prod', 'prod'])
    assert.match(String(evil?.['problem']), /names a namespace other than "prod"/)
    assert.deepEqual([evil?.['name'], evil?.['namespace']], ['evil', 'prod'])
  })

  it('fails in an invalid key alone', async () => {
    const [invalid, valid] = await read({ 'bad.yaml': 'servers: [', 'fine.yaml': good })
    assert.ok(invalid && 'error' in invalid)
    assert.equal(invalid.error.class, 'config')
    assert.match(invalid.error.where ?? invalid.error.message, /line/)
    assert.equal(valuesOf(valid).length, 1)
  })

  it('reports binary data, an empty key and a lack of documents as problems', async () => {
    const problems = async (...args: Parameters<typeof read>) =>
      (await read(...args)).flatMap(valuesOf).map((entry) => (entry as { problem?: string }).problem)
    assert.match((await problems({}, { binaryData: { 'a.yaml': 'AAAA' } }))[0] ?? '', /binaryData is not read/)
    assert.match((await problems({}))[0] ?? '', /has no key that ends in \.yaml, \.yml, \.json, \.jsonc or \.json5/)
    assert.match((await problems({}, { data: null, immutable: true }))[0] ?? '', /has no key/)
    const [blank] = await read({ 'a.yaml': '' })
    assert.ok(blank && 'error' in blank, 'a blank key is an error, not an empty list')
    assert.deepEqual(valuesOf((await read({ 'a.yaml': 'servers: {}' }))[0]), [])
  })

  it('may hold almost a megabyte', async () => {
    const servers = Array.from(
      { length: 5000 },
      (_, i) => `  s${i}: {url: "http://s${i}.prod.svc:8080/mcp", description: "${'x'.repeat(130)}"}`,
    )
    const [reading] = await read({ 'all.yaml': `servers:\n${servers.join('\n')}\n` })
    assert.equal(valuesOf(reading).length, 5000)
  })

  it('keeps the reading of a key with unchanged text', async () => {
    const reader = createConfigMapReader()
    const first = await reader.read(ConfigMap.parse(configMap('mine', { 'a.yaml': good, 'b.yaml': good })))
    const second = await reader.read(ConfigMap.parse(configMap('mine', { 'a.yaml': good, 'b.yaml': `${good} ` })))
    assert.deepEqual([first[0] === second[0], first[1] === second[1]], [true, false])
  })
})
