import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Store } from '../../src/stores/store.ts'
import { put, registrationIn, until } from '../stores/builders.ts'

/** The columns that the original mesh registry had, then those that the queries of its guides name. */
const columns = [
  'id',
  'name',
  'namespace',
  'endpoint',
  'status',
  'labels',
  'annotations',
  'created_at',
  'updated_at',
  'resource_version',
  'last_heartbeat',
  'health_interval',
  'timeout_threshold',
  'eviction_threshold',
  'agent_type',
  'config',
  'security_context',
  'dependencies',
  'capability',
  'last_seen',
]

/** The promises of the view `agents` in an SQL store. `query` uses a connection of its own, as a dashboard does. */
export function testAgentsView({
  make,
}: {
  make: () => Promise<{ store: Store; query: (sql: string) => Promise<readonly Record<string, unknown>[]> }>
}): void {
  it('shows the agents to dashboards of the original mesh registry', async () => {
    const { store, query } = await make()
    await using _ = store
    const definition = JSON.stringify({
      definition: {
        labels: { env: 'prod' },
        annotations: { note: 'a "b" \u{1f989} \\ud800 \ud800' },
        capabilities: [{ name: 'forecast' }, { name: 'alerts' }],
        dependencies: ['clock'],
      },
      facts: {
        name: 'Weather\ud800',
        endpoint: 'http://w/',
        agent_type: 'worker',
        health_interval: 15,
        config: { unit: null },
        security_context: null,
      },
    })
    const [outcome] = await store.commit([
      put({ name: 'weather', namespace: 'prod', definition }),
      put({ name: 'degraded' }),
      put({ name: 'quiet', definition: '{"definition":{"capabilities":[]},"facts":{}}' }),
      put({ kind: 'manual', name: 'no-agent' }),
    ])
    store.recordHeartbeats([
      { name: 'weather', age_ms: 61_500, timeout: 0 },
      { name: 'degraded', age_ms: 0, timeout: 0, self_report: 'degraded' },
    ])
    await until(() => store.state().pending.heartbeats === 0)

    const rows = await query('SELECT * FROM agents ORDER BY id')

    assert.deepEqual(Object.keys(rows[0] ?? {}), columns)
    assert.deepEqual(
      rows.map(({ id, status, capability, last_seen }) => [id, status, capability, last_seen !== null]),
      [
        ['degraded', 'degraded', null, true],
        ['quiet', 'pending', null, false],
        ['weather', 'unhealthy', 'forecast,alerts', true],
      ],
    )
    const weather = rows[2] ?? {}
    const { created_at: created, updated_at: updated, resource_version: version } = registrationIn(outcome)
    assert.match(String(weather['name']), /^Weather\ufffd+$/)
    assert.equal(weather['namespace'], 'prod')
    assert.equal(weather['endpoint'], 'http://w/')
    assert.equal(weather['agent_type'], 'worker')
    assert.equal(weather['resource_version'], version)
    assert.equal(weather['security_context'], null)
    assert.equal(Number(weather['health_interval']), 15)
    assert.equal(Number(weather['timeout_threshold']), 60)
    assert.equal(Number(weather['eviction_threshold']), 120)
    const json = (column: string): unknown => JSON.parse(String(weather[column]))
    assert.deepEqual(
      [json('labels'), json('config'), json('dependencies')],
      [{ env: 'prod' }, { unit: null }, ['clock']],
    )
    assert.match(String(weather['annotations']), /a \\"b\\" \u{1f989}/u)
    const at = (column: string) => new Date(String(weather[column])).getTime()
    const isAt = (column: string, time: number) =>
      assert.ok(Math.abs(at(column) - time) < 5000, `${column}: ${String(weather[column])}`)
    isAt('created_at', Date.parse(created))
    isAt('updated_at', Date.parse(updated))
    isAt('last_heartbeat', Date.now() - 61_500)
    isAt('last_seen', Date.now() - 61_500)
  })

  it('finds an agent by its capability and by the time of its last heartbeat', async () => {
    const { store, query } = await make()
    await using _ = store
    const definition = '{"definition":{"capabilities":[{"name":"forecast"}]},"facts":{}}'
    await store.commit([put({ name: 'weather', definition }), put({ name: 'other' })])
    store.recordHeartbeats([{ name: 'weather', age_ms: 1000, timeout: 0 }])
    await until(() => store.state().pending.heartbeats === 0)

    const byCapability = await query("SELECT id FROM agents WHERE capability = 'forecast'")
    const seen = await query('SELECT id FROM agents WHERE last_seen IS NOT NULL ORDER BY last_seen DESC')

    assert.deepEqual([byCapability.map(({ id }) => id), seen.map(({ id }) => id)], [['weather'], ['weather']])
  })
}
