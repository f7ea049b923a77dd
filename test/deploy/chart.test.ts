import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { isMap, isScalar, parse, parseDocument } from 'yaml'
import { start, temporary } from '../e2e/daemon-process.ts'
import { schemaErrors } from './manifest-schema.ts'
import { containersOf, objectsIn, rosterOf, workloadsIn } from './manifests.ts'

const chart = 'deploy/helm/mcp-roster'
const read = (name: string) => readFileSync(`${chart}/${name}`, 'utf8')
type Schema = { readonly properties?: Readonly<Record<string, Schema>>; readonly additionalProperties?: unknown }

/** Values without a comment of their own or of their parent. */
function silentIn(node: unknown, above: boolean, at: string): string[] {
  if (!isMap(node)) return above ? [] : [at]
  return node.items.flatMap(({ key, value }, index) => {
    // The comment of a map's first key belongs to the map.
    const own = isScalar(key) && key.commentBefore ? true : index === 0 && Boolean(node.commentBefore)
    return silentIn(value, above || own, `${at}.${String(key)}`)
  })
}

/** The values that the schema does not name. */
function strangersTo({ properties }: Schema, value: unknown, at: string): string[] {
  if (!properties || typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, one]) => {
    const known = properties[key]
    return known ? strangersTo(known, one, `${at}.${key}`) : [`${at}.${key}`]
  })
}

describe('the values of the chart', () => {
  it('every chart value has a comment', () => {
    const text = `values:\n${read('values.yaml').replaceAll(/^(?=.)/gm, '  ')}`
    const values = parseDocument(text).get('values')
    assert.deepEqual(silentIn(values, false, ''), [])
  })

  it('schema knows every chart value and rejects others', () => {
    const schema = JSON.parse(read('values.schema.json')) as Schema
    const values = parse(read('values.yaml')) as Record<string, unknown>
    assert.deepEqual(strangersTo(schema, values, ''), [])
    assert.deepEqual(
      Object.keys(schema.properties ?? {}).filter((key) => key !== 'global' && !(key in values)),
      [],
    )
    assert.equal(schema.additionalProperties, false)
  })

  it('chart carries the version of the program', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
    assert.equal((parse(read('Chart.yaml')) as { appVersion: string }).appVersion, version)
  })
})

describe('the dashboard', () => {
  it('dashboard uses only metrics that the daemon exports', async () => {
    using home = temporary()
    await using daemon = await start([], { home: home.path })
    const metrics = await (await daemon.get('/metrics')).text()
    const known = new Set(
      [...metrics.matchAll(/^# TYPE (\S+) (\w+)/gm)].flatMap(([, name, type]) =>
        type === 'summary' ? [`${name}_sum`, `${name}_count`] : [name],
      ),
    )

    const { panels } = JSON.parse(read('dashboards/mcp-roster.json')) as { panels: { targets: { expr: string }[] }[] }
    const asked = panels.flatMap(({ targets }) =>
      targets.flatMap(({ expr }) => expr.match(/\b(?:roster|process|nodejs)_\w+/g) ?? assert.fail(expr)),
    )
    assert.ok(asked.length > 15)
    assert.deepEqual(
      asked.filter((name) => !known.has(name)),
      [],
    )
  })
})

const helm = (args: readonly string[]) =>
  spawnSync(
    'helm',
    ['template', 'mcp-roster', chart, '--namespace', 'mcp-roster', '--kube-version', '1.34.0', ...args],
    {
      encoding: 'utf8',
    },
  )
const skip =
  spawnSync('helm', ['version']).status === 0 ? false : 'helm is not installed; the manifests made by it are checked'

describe('the chart', { skip }, () => {
  for (const mode of ['aggregator', 'namespaced', 'stateful', 'postgres', 'sidecar']) {
    it(`chart renders the plain manifest of ${mode}`, () => {
      const { stdout, stderr } = helm(['--values', `${chart}/ci/${mode}-values.yaml`])
      assert.equal(stderr, '')
      assert.equal(stdout, readFileSync(`deploy/kubernetes/${mode}.yaml`, 'utf8'))
    })
  }

  it('chart renders the plain manifest of the monitoring', () => {
    const only = ['--show-only', 'templates/monitoring.yaml']
    const { stdout } = helm(['--values', `${chart}/ci/monitoring-values.yaml`, ...only])
    assert.equal(stdout, readFileSync('deploy/kubernetes/monitoring.yaml', 'utf8'))
  })

  it('chart refuses impossible values and names the remedy', () => {
    const refusals: [string[], RegExp][] = [
      [['mode=stateful', 'replicas=2'], /replicas must be 1/],
      [['mode=postgres'], /database\.existingSecret/],
      [['mode=sidecar'], /sidecar\.containers/],
      [['kubernetes.enabled=false'], /no source is configured/],
      [['mode=other'], /must be one of/],
      [['persistance.size=3Gi'], /persistance/],
    ]
    for (const [settings, reason] of refusals) {
      const { status, stderr } = helm(settings.flatMap((one) => ['--set', one]))
      assert.notEqual(status, 0, settings.join())
      assert.match(stderr, reason)
    }
  })

  it('chart starts three pods on one database, spread over nodes and zones as asked', () => {
    const podsOf = (settings: readonly string[]) => {
      const { stdout, stderr } = helm(settings.flatMap((one) => ['--set', one]))
      assert.equal(stderr, '')
      const objects = objectsIn(stdout)
      assert.deepEqual(objects.flatMap(schemaErrors), [])
      const [workload = assert.fail()] = workloadsIn(objects)
      const { topologySpreadConstraints: spread } = workload.spec?.template.spec ?? {}
      const isBudgeted = objects.some(({ kind }) => kind === 'PodDisruptionBudget')
      return { replicas: workload.spec?.replicas, spread, isBudgeted }
    }
    const shared = ['mode=postgres', 'database.existingSecret=db']

    const { replicas, spread, isBudgeted } = podsOf(shared)
    assert.deepEqual([replicas, isBudgeted], [3, true])
    assert.partialDeepStrictEqual(spread, [
      {
        topologyKey: 'topology.kubernetes.io/zone',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: { 'app.kubernetes.io/instance': 'mcp-roster' } },
      },
    ])
    assert.equal(podsOf([...shared, 'zoneSpread=required']).spread?.[0]?.whenUnsatisfiable, 'DoNotSchedule')
    assert.equal(podsOf([...shared, 'zoneSpread=none']).spread, undefined)
    const own = ['topologyKey=rack', 'maxSkew=2', 'whenUnsatisfiable=DoNotSchedule']
    const given = podsOf([...shared, ...own.map((one) => `topologySpreadConstraints[0].${one}`)]).spread
    assert.deepEqual(given, [{ topologyKey: 'rack', maxSkew: 2, whenUnsatisfiable: 'DoNotSchedule' }])

    assert.equal(podsOf([...shared, 'replicas=0']).replicas, 0)
    assert.partialDeepStrictEqual(podsOf([]), { replicas: 1, spread: undefined })
    assert.equal(podsOf(['mode=stateful']).replicas, 1)
  })

  it('chart accepts every option at once', () => {
    const settings = [
      'tls.existingSecret=tls',
      'auth.existingSecret=token',
      'auth.anonymous=none',
      'serviceMonitor.enabled=true',
      'dashboard.enabled=true',
      'servers.weather.url=http://weather/mcp',
      'config.health.interval=1m',
      'extraEnv[0].name=A',
      'extraEnv[0].value=b',
      'tolerations[0].operator=Exists',
      'podAnnotations.a=b',
      'nodeSelector.disk=ssd',
      'image.pullSecrets[0].name=pull',
      'networkPolicy.from[0].podSelector.matchLabels.a=b',
    ]
    const { stdout, stderr } = helm(settings.flatMap((one) => ['--set', one]))
    assert.equal(stderr, '')
    const objects = objectsIn(stdout)
    assert.deepEqual(objects.flatMap(schemaErrors), [])
    const [workload = assert.fail()] = workloadsIn(objects)
    assert.equal(rosterOf(workload).livenessProbe?.httpGet?.scheme, 'HTTPS')
    assert.equal(containersOf(workload).length, 1)
    assert.match(stdout, /cert: \/run\/secrets\/mcp-roster\/tls\/tls\.crt/)
  })
})
