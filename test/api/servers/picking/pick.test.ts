import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, it, type TestContext } from 'node:test'
import { temporary } from '../../../e2e/daemon-process.ts'
import { startHere } from '../../../in-process-daemon.ts'
import { startHttpServer } from '../../../outbound/test-servers.ts'
import { type Answer, meshed } from '../../mesh/test-mesh-api.ts'

const idsOf = ({ picks }: Answer) => picks.map(({ server }: Answer) => server.id)

const servers = [
  { name: 'near', tags: ['geo'], labels: { 'topology.kubernetes.io/zone': 'a', region: 'r' } },
  { name: 'around', tags: ['geo'], labels: { zone: 'b', region: 'r' } },
  { name: 'far', tags: ['geo'], labels: { zone: 'c', region: 's' } },
  { name: 'ill', tags: ['geo', 'ill'], status: 'unhealthy' as const },
  { name: 'off', tags: ['ill'], enabled: false },
  { name: 'weak', tags: ['weak'], status: 'degraded' as const },
  { name: 'elsewhere', namespace: 'team', capabilities: ['forecast'], headers: { authorization: 'Bearer c4nary' } },
]

/** The definition of a server that answers 200. */
async function answering(t: TestContext) {
  const url = await startHttpServer(t, (_, response) => void response.end())
  return { url, health_check_url: url }
}

describe('GET /pick', () => {
  it('returns one healthy server that matches, with the reason of its choice', async () => {
    await using api = await meshed({ servers })

    const { status, headers, body } = await api.get('/pick?capability=forecast')

    assert.equal(status, 200)
    assert.deepEqual(idsOf(body), ['team/elsewhere'])
    assert.equal(body['picks'][0].reason, 'random of 1')
    assert.deepEqual([body['count'], body['matched'], body['strategy']], [1, 1, 'random'])
    assert.equal(body['resource_version'], api.registry.token())
    assert.equal(headers.get('cache-control'), 'no-store')
    assert.doesNotMatch(JSON.stringify(body), /c4nary/)
  })

  it('finds an agent by the capability that it registered, and by the function that carries it out', async () => {
    await using api = await meshed()
    const tools = [
      { function_name: 'greet', capability: 'greeting' },
      { function_name: 'wave', capability: 'wave' },
    ]
    await api.post('/heartbeat', { agent_id: 'a', http_host: '10.0.0.1', http_port: 80, tools })

    for (const query of ['capability=greeting', 'tool=greet', 'tool=greeting', 'tool=wave'])
      assert.deepEqual(idsOf((await api.get(`/pick?${query}`)).body), ['default/a'], query)
    assert.equal((await api.get('/pick?capability=greet')).status, 404)
    const { capabilities } = (await api.get('/servers/default/a')).body
    assert.deepEqual(
      capabilities.map(({ name, function_name }: Answer) => [name, function_name]),
      [
        ['greeting', 'greet'],
        ['wave', undefined],
      ],
    )
  })

  it('prefers the same zone, then the same region, whatever the strategy', async () => {
    await using api = await meshed({ servers })

    for (const strategy of ['random', 'round_robin', 'fastest', 'least_load', 'sticky']) {
      const { body } = await api.get(`/pick?tag=geo&zone=a&region=r&n=50&key=k&strategy=${strategy}`)
      assert.deepEqual(idsOf(body), ['default/near', 'default/around', 'default/far'], strategy)
      assert.match(body['picks'][0].reason, /^same zone a; /)
      assert.deepEqual([body['picks'][1].zone, body['picks'][1].region], ['b', 'r'])
    }
  })

  it('continues the round robin of each query where it stopped', async () => {
    await using api = await meshed({ servers })
    const firsts: string[] = []

    for (let turn = 0; turn < 4; turn += 1) {
      firsts.push(...idsOf((await api.get('/pick?tag=geo&strategy=round_robin')).body))
      await api.get('/pick?capability=forecast&strategy=round_robin')
    }

    assert.deepEqual(firsts, ['default/around', 'default/far', 'default/near', 'default/around'])
  })

  it('keeps the server of a key, and needs the key', async () => {
    await using api = await meshed({ servers })
    const [first, again, without] = [
      await api.get('/pick?tag=geo&strategy=sticky&key=session-7'),
      await api.get('/pick?tag=geo&strategy=sticky&key=session-7'),
      await api.get('/pick?tag=geo&strategy=sticky'),
    ]

    assert.deepEqual(idsOf(first.body), idsOf(again.body))
    assert.deepEqual([without.status, without.body['parameter']], [400, 'key'])
  })

  it('prefers the agent whose last heartbeat reports the least load, without a revision', async () => {
    await using api = await meshed()
    for (const [id, load] of [
      ['busy', '90%'],
      ['calm', '0.2'],
      ['odd', 'high'],
    ] as const) {
      await api.agent(id, { capabilities: ['sum'] })
      await api.post('/heartbeat', { agent_id: id, status: 'healthy', metadata: { load } })
    }
    const before = api.registry.token()
    const { body } = await api.get('/pick?capability=sum&strategy=least_load&n=3')
    await api.post('/heartbeat', { agent_id: 'calm', status: 'healthy', metadata: { load: 0.95 } })
    const changed = await api.get('/pick?capability=sum&strategy=least_load')

    assert.deepEqual(idsOf(body), ['default/calm', 'default/odd', 'default/busy'])
    assert.deepEqual([body['picks'][0].load, body['picks'][0].reason], [0.2, 'least load of 3: load 0.2'])
    assert.deepEqual(idsOf(changed.body), ['default/busy'])
    assert.equal(api.registry.token(), before)
  })

  it('takes a degraded server where no healthy one matches', async () => {
    await using api = await meshed({ servers })

    const { body } = await api.get('/pick?any_tag=weak,ill')

    assert.deepEqual(idsOf(body), ['default/weak'])
    assert.match(body['picks'][0].reason, /degraded/)
  })

  it('says that nothing matches, or what matches and cannot be used', async () => {
    await using api = await meshed({ servers })
    const [none, ill] = [await api.get('/pick?tag=none'), await api.get('/pick?tag=ill')]

    assert.deepEqual([none.status, none.body['code']], [404, 'provider_not_found'])
    assert.deepEqual([ill.status, ill.body['code']], [503, 'provider_unavailable'])
    assert.equal(ill.body['detail'], '2 servers match, and none is healthy: 1 unhealthy, 1 disabled.')
    assert.deepEqual([ill.body['matched'], ill.body['statuses'], ill.body['disabled']], [2, { unhealthy: 1 }, 1])
    assert.ok(Number(ill.headers.get('retry-after')) > 0)
  })

  it('picks nothing for a token that is bound to no namespace at all', async () => {
    const token = { name: 'none', role: 'reader', secrets: false, token: 'c4nary-c4nary', namespaces: [] } as const
    await using api = await meshed({ servers, tokens: [{ ...token, namespaces: [] }] })

    const { status, body } = await api.get('/pick', { authorization: 'Bearer c4nary-c4nary' })

    assert.deepEqual([status, body['matched']], [404, 0])
  })

  it('obeys a filter of status, and never picks a disabled server', async () => {
    await using api = await meshed({ servers })

    assert.deepEqual(idsOf((await api.get('/pick?status=degraded&n=50')).body), ['default/weak'])
    assert.equal((await api.get('/pick?status=unhealthy')).body['matched'], 1)
    assert.equal((await api.get('/pick?enabled=false')).body['disabled'], 1)
  })

  it('names a wrong parameter', async () => {
    await using api = await meshed({ servers })

    for (const [query, parameter] of [
      ['n=0', 'n'],
      ['n=51', 'n'],
      ['n=1&n=2', 'n'],
      ['strategy=best', 'strategy'],
      ['limit=3', 'limit'],
      ['view=full', 'view'],
      ['tags=geo', 'tags'],
      ['status=fine', 'status'],
      [`zone=${'z'.repeat(254)}`, 'zone'],
    ]) {
      const { status, body } = await api.get(`/pick?${query}`)
      assert.deepEqual([status, body['parameter']], [400, parameter], query)
    }
  })

  it('picks only in the namespaces of the token', async () => {
    const token = {
      name: 'team',
      role: 'reader',
      secrets: false,
      namespaces: ['team'],
      token: 'c4nary-c4nary',
    } as const
    await using api = await meshed({ servers, tokens: [{ ...token, namespaces: ['team'] }] })
    const headers = { authorization: 'Bearer c4nary-c4nary' }
    const [all, foreign, none] = [
      await api.get('/pick?n=50', headers),
      await api.get('/pick?namespace=default', headers),
      await api.get('/pick?tag=geo', headers),
    ]

    assert.deepEqual(idsOf(all.body), ['team/elsewhere'])
    assert.deepEqual([foreign.status, foreign.body['code']], [403, 'namespace_forbidden'])
    assert.equal(none.status, 404)
  })

  it('prefers the lower latency that probes measured', async (t) => {
    const [one, two] = [await answering(t), await answering(t)]
    using folder = temporary()
    writeFileSync(folder.at('servers.yaml'), JSON.stringify({ servers: { one, two } }))
    await using daemon = await startHere(`sources: [{ type: file, paths: [${folder.path}/servers.yaml] }]`)
    for (const name of ['one', 'two']) await daemon.ask('POST', `/servers/default/${name}/probe`)

    const { body } = await daemon.ask<Answer>('GET', '/pick?strategy=fastest&n=2')

    assert.equal(body['count'], 2)
    assert.match(body['picks'][0].reason, /^lower of two latencies, [\d.]+ ms against [\d.]+ ms$/)
    assert.ok(body['picks'][0].latency_ms <= body['picks'][1].latency_ms)
  })
})
