import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { tenantUrlProblem, type TenantUrlRules } from '../../../../src/sources/kubernetes/resources/tenant-urls.ts'

const services: Readonly<Record<string, 'service' | 'external'>> = {
  'prod/weather': 'service',
  'prod/other': 'service',
  'prod/away': 'external',
  'team/maps': 'service',
}

function problemOf(url: string, rules: Partial<TenantUrlRules> = {}) {
  return tenantUrlProblem(
    url,
    { namespace: 'prod', clusterIP: '10.0.0.1' },
    {
      annotation_urls: 'same_namespace_service',
      allow_external_name: false,
      cluster_domain: undefined,
      serviceKind: (key) => services[key],
      ...rules,
    },
  )
}

describe('a URL that a tenant of the cluster wrote', () => {
  for (const url of [
    'http://weather.prod.svc:8080/mcp',
    'http://weather.prod.svc.cluster.local/mcp',
    'https://OTHER.prod.svc./mcp',
    'http://10.0.0.1:80/mcp',
  ])
    it(`may name a Service of its namespace: ${url}`, () => assert.equal(problemOf(url), undefined))

  for (const [url, expected] of [
    ['https://evil.example/mcp', /evil\.example is no Service of namespace prod; set annotation_urls/],
    ['http://maps.team.svc/mcp', /maps\.team\.svc is no Service of namespace prod/],
    ['http://away.prod.svc/mcp', /away is of type ExternalName/],
    ['http://unseen.prod.svc/mcp', /unseen is not seen in namespace prod/],
    ['http://weather.prod/mcp', /write NAME\.prod\.svc/],
    ['http://weather.prod.svc.evil.example/mcp', /is no Service/],
    ['http://weather@evil.example/mcp', /evil\.example is no Service/],
    ['http://10.0.0.2/mcp', /10\.0\.0\.2 is no Service/],
    ['http://${HOST}/mcp', /is not a URL/],
    ['http://169.254.169.254/latest', /link-local, multicast or a metadata address/],
  ] as const)
    it(`may not be ${url}`, () => assert.match(problemOf(url) ?? 'no problem', expected))

  it('may name Services of other namespaces with annotation_urls: cluster', () => {
    const rules = { annotation_urls: 'cluster', cluster_domain: 'corp.local' } as const
    assert.equal(problemOf('http://maps.team.svc.corp.local/mcp', rules), undefined)
    assert.match(problemOf('http://maps.team.svc.cluster.local/mcp', rules) ?? '', /is no Service of the cluster/)
    assert.match(problemOf('https://evil.example/mcp', rules) ?? '', /is no Service of the cluster/)
  })

  it('may name a Service of type ExternalName where those are allowed', () => {
    assert.equal(problemOf('http://away.prod.svc/mcp', { allow_external_name: true }), undefined)
  })

  it('may be any but a metadata address with annotation_urls: any', () => {
    const rules = { annotation_urls: 'any' } as const
    assert.equal(problemOf('https://elsewhere.example/mcp', rules), undefined)
    assert.equal(problemOf('http://${HOST}/mcp', rules), undefined)
    for (const url of [
      'http://169.254.169.254/',
      'http://2852039166/',
      'http://[::ffff:169.254.169.254]/',
      'http://[fd00:ec2::254]/',
      'http://metadata.google.internal/computeMetadata/v1/',
      'http://METADATA.google.internal./x',
    ])
      assert.match(problemOf(url, rules) ?? url, /metadata address/)
  })
})
