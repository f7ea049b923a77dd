import assert from 'node:assert/strict'
import { it } from 'node:test'
import { silent } from '../../../src/log.ts'
import { openHttpClient } from '../../../src/outbound/http-client.ts'
import { createRegistry } from '../../../src/registry/registry.ts'
import { createSupervisor } from '../../../src/registry/supervision/supervisor.ts'
import { http } from '../../../src/sources/http/http.ts'
import { toolsWith } from '../source-tools.ts'
import { json, openDirectory, servers, text } from './test-directory.ts'

const names = (count: number) => Array.from({ length: count }, (_, index) => `server-${index}`)

/** A registry that follows these directories, each by a source of its own. */
async function superviseDirectories(urls: Readonly<Record<string, string>>, more: Record<string, unknown> = {}) {
  const httpClient = openHttpClient()
  const registry = createRegistry({ onError: (error) => assert.fail(String(error)) })
  const supervisor = createSupervisor({ registry, log: silent })
  const plans = Object.entries(urls).map(([name, url]) => {
    const config = http.config.parse({ type: 'http', name, url, ...more })
    return {
      name,
      type: 'http',
      settings: config,
      layer: { reach: http.reach, discovery_method: http.discovery_method },
      trust: { stdio: () => false, questionsShrinks: http.questionsShrinks },
      maxSilenceMs: http.maxSilenceSeconds(config) * 1000,
      open: () => http.open(config, toolsWith({ httpClient })),
    }
  })
  await supervisor.apply(plans)
  async function stop(): Promise<void> {
    await supervisor[Symbol.asyncDispose]()
    await httpClient.close()
  }
  return { registry, supervisor, [Symbol.asyncDispose]: stop }
}

it('a directory that becomes empty counts at the second read, one that loses a server at once', async () => {
  using place = await openDirectory(json(servers(...names(100)), { etag: '"full"' }))
  await using supervised = await superviseDirectories({ partner: `${place.url}/servers` })
  const { registry, supervisor } = supervised
  await supervisor.settled()
  assert.equal(registry.size(), 100)

  place.answers(json(servers(...names(99))))
  const { changes } = await supervisor.refresh('partner')
  assert.deepEqual([changes.length, registry.size()], [1, 99])

  // The second answer is 304, which agrees too.
  let looks = 0
  place.answers((request, response) => {
    const again = request.headers['if-none-match'] === '"empty"'
    looks += 1
    if (again) text('', {}, 304)(request, response)
    else json({ servers: {} }, { etag: '"empty"' })(request, response)
  })
  const first = await supervisor.refresh('partner')
  assert.deepEqual([first.held, registry.size()], [true, 99])
  assert.equal(supervisor.sources()[0]?.held?.removes, 99)

  const second = await supervisor.refresh('partner')
  assert.deepEqual([second.changes.length, registry.size(), looks], [99, 0, 2])
  assert.equal(supervisor.sources()[0]?.held, undefined)
})

it('a directory in another order a thousand times makes no revision', async () => {
  let turn = 0
  const list = names(10).map((name) => ({ name, url: `http://${name}.example/mcp`, tags: ['a', 'b'] }))
  using place = await openDirectory((request, response) => {
    const turned = list.map((_, index) => list[(index + turn) % list.length] ?? {})
    json(turned.map((one) => Object.fromEntries(Object.entries(one).toSorted(() => (turn % 2 ? -1 : 1)))))(
      request,
      response,
    )
  })
  await using supervised = await superviseDirectories({ partner: `${place.url}/servers` })
  const { registry, supervisor } = supervised
  await supervisor.settled()
  const revision = registry.revision()

  for (turn = 1; turn <= 1000; turn++) await supervisor.refresh('partner')

  assert.equal(registry.revision(), revision)
})

it('a directory that hangs or fails keeps its servers as stale, and delays no other', async () => {
  using hanging = await openDirectory(json(servers('slow')))
  using other = await openDirectory(json(servers('fast')))
  await using supervised = await superviseDirectories(
    { hanging: `${hanging.url}/a`, other: `${other.url}/b` },
    { timeout: 0.3 },
  )
  const { registry, supervisor } = supervised
  await supervisor.settled()

  hanging.answers(() => {})
  other.answers(json(servers('fast', 'faster')))
  const slow = supervisor.refresh('hanging')
  const before = performance.now()
  await supervisor.refresh('other')
  assert.ok(performance.now() - before < 250)
  await slow

  const stale = registry.list().map(({ server }) => [server.name, server.stale])
  assert.deepEqual(stale, [
    ['fast', false],
    ['faster', false],
    ['slow', true],
  ])
  assert.match(supervisor.sources()[0]?.last_error ?? '', /timed out/)
})
