import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ServerDefinition } from '../../../../src/model/server.ts'
import type { Entry } from '../../../../src/model/source.ts'
import { KubernetesConfig } from '../../../../src/sources/kubernetes/config.ts'
import { EndpointSlice } from '../../../../src/sources/kubernetes/resources/endpoints.ts'
import { entriesOfService, matchesProfile, Service } from '../../../../src/sources/kubernetes/resources/services.ts'
import { service, slice } from '../observed-cluster.ts'

type Fields = Record<string, unknown>

function entriesOf(
  fields: Fields,
  { slices = [], config = {} }: { slices?: object[]; config?: Fields } = {},
): readonly Entry[] {
  const rules = KubernetesConfig.parse({ type: 'kubernetes', ...config })
  return entriesOfService(
    Service.parse(service('weather', fields)),
    slices.map((one) => EndpointSlice.parse(one)),
    { ...rules, serviceKind: (key) => (key === 'prod/weather' ? 'service' : undefined) },
  )
}

/** The one definition of a Service, as the registry parses it. */
function definition(fields: Fields, options?: Parameters<typeof entriesOf>[1]): ServerDefinition {
  const [entry] = entriesOf(fields, options)
  assert.ok(entry && 'value' in entry, JSON.stringify(entry))
  return ServerDefinition.parse(entry.value)
}

const problem = (fields: Fields, options?: Parameters<typeof entriesOf>[1]) => {
  const [entry] = entriesOf(fields, options)
  return entry && 'problem' in entry ? entry.problem : undefined
}

const ports = (...list: Fields[]) => ({ ports: list.map((port) => ({ protocol: 'TCP', ...port })) })
const annotated = (annotations: Record<string, string>) => ({
  annotations: Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`mcp-roster.io/${key}`, value])),
})

describe('server of a Service', () => {
  it('has the name, namespace and labels of the Service', () => {
    const server = definition({ labels: { 'mcp-server': 'true', 'app.kubernetes.io/part-of': 'geo' } })

    assert.deepEqual(
      {
        name: server.name,
        namespace: server.namespace,
        type: server.type,
        url: server.url,
        health_check: server.health_check,
      },
      { name: 'weather', namespace: 'prod', type: 'http', url: 'http://weather.prod.svc:80/mcp', health_check: 'mcp' },
    )
    assert.deepEqual(server.labels, { 'mcp-server': 'true', 'app.kubernetes.io/part-of': 'geo' })
    assert.deepEqual(server.tags, ['kubernetes', 'auto-discovered'])
    assert.deepEqual(server.metadata, { namespace: 'prod', service_name: 'weather', cluster_ip: '10.0.0.1' })
  })

  const addresses: [string, Fields, string][] = [
    ['the first port', ports({ name: 'a', port: 1 }, { name: 'b', port: 2 }), 'http://weather.prod.svc:1/mcp'],
    [
      'http before the first',
      ports({ name: 'a', port: 1 }, { name: 'http', port: 2 }),
      'http://weather.prod.svc:2/mcp',
    ],
    [
      'http-mcp before http',
      ports({ name: 'http', port: 1 }, { name: 'http-mcp', port: 2 }),
      'http://weather.prod.svc:2/mcp',
    ],
    [
      'mcp before http-mcp',
      ports({ name: 'http-mcp', port: 1 }, { name: 'mcp', port: 2 }),
      'http://weather.prod.svc:2/mcp',
    ],
    [
      'an MCP appProtocol before mcp',
      ports({ name: 'mcp', port: 1 }, { name: 'x', port: 2, appProtocol: 'kgateway.dev/mcp' }),
      'http://weather.prod.svc:2/mcp',
    ],
    [
      'the annotated number before all',
      { ...ports({ name: 'mcp', port: 1 }, { name: 'x', port: 2 }), ...annotated({ port: '2' }) },
      'http://weather.prod.svc:2/mcp',
    ],
    [
      'the annotated name',
      { ...ports({ name: 'mcp', port: 1 }, { name: 'x', port: 2 }), ...annotated({ port: 'x' }) },
      'http://weather.prod.svc:2/mcp',
    ],
    [
      'an annotated port that is not listed (headless)',
      { clusterIP: 'None', ports: undefined, ...annotated({ port: '8080' }) },
      'http://weather.prod.svc:8080/mcp',
    ],
    [
      'the first TCP port',
      ports({ name: 'mcp', port: 1, protocol: 'UDP' }, { port: 2 }),
      'http://weather.prod.svc:2/mcp',
    ],
    ['https by the name', ports({ name: 'https', port: 8443 }), 'https://weather.prod.svc:8443/mcp'],
    ['https by the number', ports({ name: 'web', port: 443 }), 'https://weather.prod.svc:443/mcp'],
    [
      'https by the appProtocol',
      ports({ name: 'web', port: 8443, appProtocol: 'https' }),
      'https://weather.prod.svc:8443/mcp',
    ],
    [
      'the annotated scheme',
      { ...ports({ port: 443 }), ...annotated({ scheme: 'http' }) },
      'http://weather.prod.svc:443/mcp',
    ],
    ['the annotated URL', annotated({ url: 'http://weather.prod.svc:9/x', port: '9' }), 'http://weather.prod.svc:9/x'],
    ['the annotated path', annotated({ path: 'v1/mcp' }), 'http://weather.prod.svc:80/v1/mcp'],
    [
      'the path of agentgateway',
      {
        ...ports({ port: 1, appProtocol: 'agentgateway.dev/mcp' }),
        annotations: { 'agentgateway.dev/mcp-path': '/x' },
      },
      'http://weather.prod.svc:1/x',
    ],
  ]
  for (const [title, fields, url] of addresses) {
    it(`has the URL of ${title}`, () => assert.equal(definition(fields).url, url))
  }

  it('uses SSE for an annotated type or an SSE appProtocol', () => {
    assert.deepEqual(
      [
        definition(annotated({ type: 'sse' })),
        definition(ports({ port: 1, appProtocol: 'agentgateway.dev/mcp-sse' })),
      ].map(({ type, url }) => [type, url]),
      [
        ['sse', 'http://weather.prod.svc:80/sse'],
        ['sse', 'http://weather.prod.svc:1/sse'],
      ],
    )
  })

  it('has a fully qualified host name with a configured cluster domain', () => {
    assert.equal(
      definition({}, { config: { cluster_domain: 'cluster.local' } }).url,
      'http://weather.prod.svc.cluster.local:80/mcp',
    )
  })

  it('takes its fields from annotations', () => {
    const server = definition(
      annotated({
        name: 'Weather, EU',
        title: 'Weather',
        description: 'of today',
        version: '1.2',
        tags: 'eu, free,',
        capabilities: 'forecast, alerts',
        enabled: 'false',
        'health-check': 'http',
        'health-check-url': 'http://weather.prod.svc/health',
        'health-check-interval': '1m',
        metadata: '{"team":"geo"}',
        'max-retries': '7',
      }),
    )

    const {
      name,
      title,
      description,
      version,
      enabled,
      health_check,
      health_check_url,
      health_check_interval,
      max_retries,
    } = server
    assert.deepEqual([name, title, description, version], ['Weather, EU', 'Weather', 'of today', '1.2'])
    assert.deepEqual(
      [enabled, health_check, health_check_url, health_check_interval, max_retries],
      [false, 'http', 'http://weather.prod.svc/health', 60, 7],
    )
    assert.deepEqual(server.tags, ['eu', 'free', 'kubernetes', 'auto-discovered'])
    assert.deepEqual(
      server.capabilities.map(({ name }) => name),
      ['forecast', 'alerts'],
    )
    assert.equal(server.metadata['team'], 'geo')
  })

  it('is a command if mcp.command is annotated, whatever its ports', () => {
    const annotations = {
      'mcp.command': 'python',
      'mcp.args': '["-m","weather"]',
      'mcp.env': '{"KEY":"s3cret"}',
      'mcp.description': 'as ever',
    }
    const server = definition({ annotations, ports: [] })

    assert.deepEqual(
      [server.type, server.command, server.args, server.env, server.description, server.url],
      ['stdio', 'python', ['-m', 'weather'], { KEY: 's3cret' }, 'as ever', undefined],
    )
    assert.doesNotMatch(JSON.stringify({ ...server, env: undefined }), /s3cret/)
  })

  const invalid: [string, Fields, RegExp][] = [
    [
      'arguments that are not JSON',
      { annotations: { 'mcp.command': 'x', 'mcp.args': '-m' } },
      /annotation mcp\.args: must be a JSON list/,
    ],
    [
      'arguments that are not a list',
      { annotations: { 'mcp.command': 'x', 'mcp.args': '{}' } },
      /annotation mcp\.args: must be a JSON list/,
    ],
    [
      'an environment that is not an object',
      { annotations: { 'mcp.command': 'x', 'mcp.env': '["TOKEN=abc"]' } },
      /annotation mcp\.env: must be a JSON object$/,
    ],
    [
      'a port name that the Service lacks',
      annotated({ port: 'web' }),
      /annotation mcp-roster\.io\/port: must be a port number/,
    ],
    ['a port out of range', annotated({ port: '70000' }), /annotation mcp-roster\.io\/port/],
    ['an unknown type', annotated({ type: 'grpc' }), /annotation mcp-roster\.io\/type: must be one of http, sse/],
    [
      'a property name of Object as a boolean',
      annotated({ enabled: 'constructor' }),
      /annotation mcp-roster\.io\/enabled: must be "true" or "false"/,
    ],
    [
      'a boolean that is neither true nor false',
      annotated({ enabled: 'maybe' }),
      /annotation mcp-roster\.io\/enabled: must be "true" or "false"/,
    ],
    [
      'an invalid duration',
      annotated({ 'health-check-interval': 'often' }),
      /annotation mcp-roster\.io\/health-check-interval: must be seconds/,
    ],
    [
      'metadata that is not JSON',
      annotated({ metadata: '{' }),
      /annotation mcp-roster\.io\/metadata: must be a JSON object; it is not valid JSON/,
    ],
    ['a lack of ports', { ports: [] }, /has no TCP port; add one, or annotate mcp-roster\.io\/port/],
    ['a headless Service without ports', { clusterIP: 'None', ports: undefined }, /has no TCP port/],
    [
      'ExternalName',
      { type: 'ExternalName', externalName: 'evil.example', ports: [{ port: 80 }] },
      /is of type ExternalName, which can point anywhere; set allow_external_name/,
    ],
  ]
  for (const [title, fields, expected] of invalid) {
    it(`is rejected with the reason for ${title}`, () => {
      assert.match(problem(fields) ?? 'no problem', expected)
      assert.doesNotMatch(problem(fields) ?? '', /abc/)
    })
  }

  it('has the external name as host if allow_external_name is set', () => {
    const server = definition(
      { type: 'ExternalName', externalName: 'weather.example', ports: [{ port: 443 }] },
      { config: { allow_external_name: true } },
    )
    assert.equal(server.url, 'https://weather.example:443/mcp')
  })
})

describe('endpoints of a Service', () => {
  const reported = (fields: Fields, slices: object[]) =>
    entriesOf(fields, { slices }).map((entry) => ('reported' in entry ? entry.reported : undefined))
  const none = { status: 'unhealthy', reason: 'no_endpoints' }

  it('make it unhealthy if none is ready, and report no health without an EndpointSlice', () => {
    assert.deepEqual(reported({}, []), [undefined])
    assert.deepEqual(reported({}, [slice('one', { ready: [] })]), [none])
    assert.deepEqual(reported({}, [slice('one', { ready: [], notReady: ['10.0.0.2'] })]), [none])
    assert.deepEqual(reported({}, [slice('one', { ready: [] }), slice('two')]), [undefined])
    assert.deepEqual(reported({}, [slice('one', { endpoints: [{ addresses: ['10.0.0.2'], conditions: {} }] })]), [
      undefined,
    ])
  })

  it('report no health for an annotated URL or command', () => {
    assert.deepEqual(reported(annotated({ url: 'http://weather.prod.svc/mcp' }), [slice('one', { ready: [] })]), [
      undefined,
    ])
    assert.deepEqual(reported({ annotations: { 'mcp.command': 'x' } }, [slice('one', { ready: [] })]), [undefined])
  })

  const each = { config: { per_endpoint: true } }
  const urls = (slices: object[]) =>
    entriesOf({}, { ...each, slices }).map(
      (entry) => 'value' in entry && [(entry.value as Fields)['name'], (entry.value as Fields)['url']],
    )

  it('are listed one by one with per_endpoint', () => {
    assert.deepEqual(urls([slice('one', { ready: ['10.1.0.2', '10.1.0.1'], notReady: ['10.1.0.3'] })]), [
      ['weather-pod-10-1-0-1', 'http://10.1.0.1:8080/mcp'],
      ['weather-pod-10-1-0-2', 'http://10.1.0.2:8080/mcp'],
    ])
  })

  it('are listed once for a dual-stack pod', () => {
    const targetRef = { kind: 'Pod', name: 'weather-0' }
    const v6 = slice('six', { addressType: 'IPv6', endpoints: [{ addresses: ['fd00::1'], targetRef }] })
    const v4 = slice('four', { endpoints: [{ addresses: ['10.1.0.1'], targetRef }] })
    assert.deepEqual(urls([v6, v4]), [['weather-weather-0', 'http://10.1.0.1:8080/mcp']])
    assert.deepEqual(urls([v6]), [['weather-weather-0', 'http://[fd00::1]:8080/mcp']])
  })

  it('are replaced by the Service if none is ready or known', () => {
    assert.deepEqual(urls([]), [['weather', 'http://weather.prod.svc:80/mcp']])
    assert.deepEqual(urls([slice('one', { ready: [] })]), [['weather', 'http://weather.prod.svc:80/mcp']])
  })
})

describe('profiles of other systems', () => {
  const of = (fields: Fields, ...profiles: ('kagent' | 'app_protocol')[]) =>
    matchesProfile(Service.parse(service('x', fields)), profiles)
  const kagent = { 'kagent.dev/mcp-service': 'true' }

  it('match marked Services only if enabled', () => {
    assert.deepEqual(
      [
        of({ labels: kagent }),
        of({ labels: kagent }, 'kagent'),
        of({ labels: { ...kagent, 'kagent.dev/discovery': 'disabled' } }, 'kagent'),
      ],
      [false, true, false],
    )
    const gateway = { labels: {}, ...ports({ port: 1, appProtocol: 'agentgateway.dev/mcp' }) }
    assert.deepEqual(
      [of(gateway), of(gateway, 'app_protocol'), of({ labels: {} }, 'app_protocol')],
      [false, true, false],
    )
  })

  it("apply kagent's annotations", () => {
    const annotations = {
      'kagent.dev/mcp-service-path': '/k',
      'kagent.dev/mcp-service-port': '81',
      'kagent.dev/mcp-service-protocol': 'SSE',
    }
    const server = definition(
      { labels: kagent, annotations, ...ports({ port: 80 }, { name: 'x', port: 81 }) },
      { config: { profiles: ['kagent'] } },
    )
    assert.deepEqual([server.url, server.type], ['http://weather.prod.svc:81/k', 'sse'])
  })
})
