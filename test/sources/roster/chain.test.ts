import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { viaKey } from '../../../src/model/via.ts'
import { until } from '../../e2e/daemon-process.ts'
import { startHere } from '../../in-process-daemon.ts'

type Server = {
  readonly id: string
  readonly url: string
  readonly source: string
  readonly origin: string
  readonly discovery_method: string
  readonly metadata: Readonly<Record<string, unknown>>
}
type Sources = {
  readonly sources: readonly { readonly name: string; readonly state: string; readonly rejected: number }[]
}
type Daemon = Awaited<ReturnType<typeof startHere>>

const configOf = (...sources: string[]) => `sources: [${sources.join(', ')}]\nstore: { type: memory }\n`
const roster = (name: string, { url }: Daemon) => `{ type: roster, name: ${name}, url: "${url}" }`
const weather = { url: 'http://weather.example/mcp', health_check: 'none' }
const weatherAt = async (daemon: Daemon) => {
  const { status, body } = await daemon.ask<Server>('GET', '/servers/team/weather')
  return status === 200 ? body : undefined
}
const instanceOf = async (daemon: Daemon) =>
  (await daemon.ask<{ instance_id: string }>('GET', '/ready')).body.instance_id

describe('rosters that follow rosters', () => {
  it('pass a server on with the rosters that it came through, and each of its changes', async () => {
    await using first = await startHere(configOf('{ type: agents }'))
    await first.ask('PUT', '/servers/team/weather', weather)
    await using second = await startHere(configOf(roster('first', first)))
    await using third = await startHere(configOf(roster('second', second)))

    const shown = await until(() => weatherAt(third))
    assert.deepEqual(
      [shown.source, shown.origin, shown.discovery_method],
      ['second', `${second.url}/servers/team/weather`, 'roster'],
    )
    assert.deepEqual(shown.metadata[viaKey], [await instanceOf(first), await instanceOf(second)])

    await first.ask('PATCH', '/servers/team/weather', { url: 'http://moved.example/mcp' })
    await until(async () => (await weatherAt(third))?.url === 'http://moved.example/mcp')
    await first.ask('DELETE', '/servers/team/weather')
    await until(async () => (await weatherAt(third)) === undefined)
  })

  it('in a circle end it: the first one rejects what came from itself, and is healthy', async () => {
    await using first = await startHere(configOf('{ type: agents }'))
    await first.ask('PUT', '/servers/team/weather', weather)
    await using second = await startHere(configOf(roster('first', first)))
    await using third = await startHere(configOf(roster('second', second)))
    await until(() => weatherAt(third))

    await first.reload(configOf('{ type: agents }', roster('third', third)))
    const source = await until(async () =>
      (await first.ask<Sources>('GET', '/sources')).body.sources.find(
        ({ name, rejected }) => name === 'third' && rejected === 1,
      ),
    )

    assert.equal(source.state, 'synced')
    assert.equal((await first.ask('GET', '/health')).body['status'], 'healthy')
    assert.equal((await weatherAt(first))?.source, 'manual')
    // A server that went round would come back from the third one after it was deleted.
    await first.ask('DELETE', '/servers/team/weather')
    await until(async () => (await weatherAt(third)) === undefined)
    assert.equal(await weatherAt(first), undefined)
  })
})
