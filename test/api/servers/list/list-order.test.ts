import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startMcp } from '../../../client/connect/mcp-servers.ts'
import { startHere } from '../../../in-process-daemon.ts'

type Shown = { name: string; health: { since: string; response_time_ms?: number } }
type List = { servers: Shown[]; continue?: string }

/** A daemon with two servers that answer probes, and one that is not probed and comes first by name. */
async function startProbed() {
  await using stack = new AsyncDisposableStack()
  const servers = [stack.use(await startMcp({ name: 'one' })), stack.use(await startMcp({ name: 'two' }))]
  const daemon = stack.use(await startHere())
  const any = { name: 'any', url: servers[0]?.url, health_check: 'none' }
  assert.equal((await daemon.ask('POST', '/servers', any)).status, 201)
  for (const [index, { url }] of servers.entries()) await daemon.ask('POST', '/servers', { name: `s${index}`, url })
  const probe = async () => {
    for (const index of servers.keys()) {
      const { status } = await daemon.ask('POST', `/servers/s${index}/probe`)
      assert.equal(status, 200)
    }
  }
  await probe()
  const owned = stack.move()
  return { ...daemon, probe, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

describe('the order of the list of servers', () => {
  it('is by the response time of the last probe, without an ETag, those without one last', async () => {
    await using daemon = await startProbed()

    for (const [sort, sign] of [
      ['response_time', 1],
      ['-response_time', -1],
    ] as const) {
      await daemon.probe()
      const { body, headers } = await daemon.ask<List>('GET', `/servers?sort=${sort}&view=full`)
      const [first, second, third] = body.servers.map(({ health }) => health.response_time_ms)
      assert.ok(first !== undefined && second !== undefined && sign * (second - first) >= 0, `${first}, ${second}`)
      assert.equal(third, undefined)
      assert.equal(body.servers[2]?.name, 'any')
      assert.equal(headers.get('etag'), null)
    }
    const asked = await daemon.ask<List>('GET', '/servers?sort=response_time&fields=id')
    assert.deepEqual([asked.status, asked.headers.get('etag'), asked.body.servers.length], [200, null, 3])
  })

  for (const sort of ['response_time', '-response_time', 'status_since', '-status_since']) {
    it(`by ${sort} continues page by page with each server once`, async () => {
      await using daemon = await startProbed()
      const whole = await daemon.ask<List>('GET', `/servers?sort=${sort}`)

      const paged: Shown[] = []
      let next: string | undefined = ''
      while (next !== undefined && paged.length < 4) {
        const { body }: { body: List } = await daemon.ask<List>('GET', `/servers?sort=${sort}&limit=1&continue=${next}`)
        paged.push(...body.servers)
        next = body.continue
      }

      assert.deepEqual(
        paged.map(({ name }) => name),
        whole.body.servers.map(({ name }) => name),
      )
      if (!sort.endsWith('status_since')) return
      const since = paged.map(({ health }) => health.since)
      assert.deepEqual(since, sort.startsWith('-') ? since.toSorted().toReversed() : since.toSorted())
    })
  }
})
