import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createWakeSignal } from '../../../src/flow/wake-signal.ts'
import type { Before } from '../../api/served-api.ts'
import { until } from '../../e2e/daemon-process.ts'
import { type Followed, follow } from '../../source-follower.ts'
import { openTestRoster, openRosterSource } from './test-roster.ts'

const viaKey = 'mcp-roster.io/via'

type Value = Record<string, unknown> & { name: string; metadata: Record<string, unknown> }

async function at(
  options: Parameters<typeof openTestRoster>[0],
  config: Readonly<Record<string, unknown>>,
  test: (remote: Awaited<ReturnType<typeof openTestRoster>>, seen: Followed) => Promise<void>,
): Promise<void> {
  const remote = await openTestRoster(options)
  const { source, httpClient } = openRosterSource({ url: remote.url, ...config })
  const seen = follow(source, { timeoutMs: 8000 })
  try {
    await test(remote, seen)
  } finally {
    await seen.end()
    await httpClient.close()
    await remote.stop()
  }
}

const valuesOf = (seen: Followed) =>
  [...seen.origins.values()].flatMap(({ entries }) =>
    entries.flatMap((one) => ('value' in one ? [one.value as Value] : [])),
  )
const valueOf = (seen: Followed, name: string) => valuesOf(seen).find((value) => value.name === name)
const problemsOf = (seen: Followed) =>
  [...seen.origins.values()].flatMap(({ entries }) => entries.flatMap((one) => ('problem' in one ? [one.problem] : [])))
const errorsOf = (seen: Followed) => [...seen.origins.values()].flatMap(({ error }) => (error ? [error] : []))
const changesOf = (seen: Followed) => seen.sightings.filter(({ type }) => type === 'change').length

async function turns(count: number): Promise<void> {
  for (let left = count; left > 0; left -= 1) await turn()
}

describe('the source roster', () => {
  it('takes over the definition and the path of rosters, and no other field', () =>
    at(
      { servers: [{ name: 'weather', namespace: 'team-a', tags: ['geo'], metadata: { owner: 'ops' } }] },
      {},
      async (remote, seen) => {
        await seen.untilNames('weather')

        const value = valueOf(seen, 'weather')
        assert.equal(value?.['namespace'], 'team-a')
        assert.deepEqual(value?.['tags'], ['geo'])
        assert.deepEqual(value?.metadata, { owner: 'ops', [viaKey]: ['remote'] })
        for (const field of ['id', 'status', 'health', 'source', 'origin', 'resource_version'])
          assert.ok(!(field in (value ?? {})))
        assert.ok(seen.origins.has(`${remote.url}/servers/team-a/weather`))
      },
    ))

  it('sees a change at once, at the cost of the change, without another request', () =>
    at({ servers: [{ name: 'weather' }, { name: 'maps' }] }, {}, async (remote, seen) => {
      await seen.untilNames('maps', 'weather')
      const maps = seen.origins.get(`${remote.url}/servers/default/maps`)?.reading
      remote.requests.length = 0

      remote.put({ name: 'weather', tags: ['new'] })
      await seen.until('the tag is seen', () => String(valueOf(seen, 'weather')?.['tags']) === 'new')
      remote.change([{ name: 'tides' }], ['weather'])
      await seen.untilNames('maps', 'tides')

      assert.equal(changesOf(seen), 2)
      assert.equal(seen.origins.get(`${remote.url}/servers/default/maps`)?.reading, maps)
      assert.deepEqual(remote.requests, [])
    }))

  it('yields nothing when only the remote health changes', () =>
    at({ servers: [{ name: 'weather', health_check: 'mcp' }] }, {}, async (remote, seen) => {
      await seen.untilNames('weather')

      remote.put({ name: 'weather', health_check: 'mcp', status: 'unhealthy' })
      remote.put({ name: 'after', health_check: 'mcp' })
      await seen.untilNames('after', 'weather')

      assert.equal(changesOf(seen), 1)
    }))

  it('resumes from its token when the connection breaks, without a sighting', () =>
    at({ servers: [{ name: 'weather' }] }, {}, async (remote, seen) => {
      await seen.untilNames('weather')
      remote.put({ name: 'maps' })
      await seen.untilNames('maps', 'weather')
      const before = seen.sightings.length
      remote.requests.length = 0

      await remote.stop()
      await remote.start()
      await until(() => remote.watchers() === 1)

      assert.ok(remote.requests.some((path) => path.includes('resource_version=first-')))
      remote.put({ name: 'tides' })
      await seen.untilNames('maps', 'tides', 'weather')
      // The restarted API has another change log, so a picture may have come, but never an error.
      assert.ok(
        seen.sightings
          .slice(before)
          .every((one) => one.type === 'alive' || one.readings.every((reading) => 'entries' in reading)),
      )
    }))

  it('removes servers that are gone when the other roster has a new epoch', () =>
    at({ servers: [{ name: 'weather' }, { name: 'maps' }] }, {}, async (remote, seen) => {
      await seen.untilNames('maps', 'weather')

      await remote.restart([{ name: 'maps' }, { name: 'tides' }])

      await seen.untilNames('maps', 'tides')
    }))

  it('keeps its servers while the other roster has not read all of its own sources', () =>
    at({ servers: [{ name: 'weather' }] }, {}, async (remote, seen) => {
      await seen.untilNames('weather')

      remote.ready(false)
      await remote.restart([])
      await seen.until('it says that it waits', () =>
        errorsOf(seen).some(({ message }) => /not read all of its own/.test(message)),
      )
      assert.deepEqual(seen.names(), ['weather'])

      remote.ready(true)
      await seen.until('it believes that there is nothing', () => seen.names().length === 0)
    }))

  it('keeps its servers while the other roster lists nothing after a restart, and has not read its sources', () =>
    at({ servers: [{ name: 'weather' }] }, {}, async (remote, seen) => {
      await seen.untilNames('weather')

      remote.unread('directory')
      await remote.restart([])
      await seen.until('it says what it waits for', () =>
        errorsOf(seen).some(({ message }) => /lists no servers and has not read.*: directory/.test(message)),
      )
      assert.deepEqual(seen.names(), ['weather'])

      remote.unread()
      await seen.until('it believes that there is nothing', () => seen.names().length === 0)
    }))

  it('polls the list when the watch ends before its first event', async () => {
    const cutOff: Before = ({ url }, response) => {
      if (!url?.includes('watch=true')) return false
      response.writeHead(200, { 'content-type': 'application/x-ndjson' }).end()
      return true
    }
    await at({ servers: [{ name: 'weather' }], front: cutOff }, { interval: 1 }, async (_, seen) => {
      await seen.untilNames('weather')
      assert.match(JSON.stringify(seen.sightings[0]), /the watch ended before its first event/)
    })
  })

  it('polls the list when there is no watch, with a conditional request', async () => {
    const noWatch: Before = ({ url }, response) => {
      if (!url?.includes('watch=true')) return false
      response.writeHead(404).end()
      return true
    }
    await at({ servers: [{ name: 'weather' }], front: noWatch }, { interval: 1 }, async (remote, seen) => {
      await seen.untilNames('weather')
      assert.match(JSON.stringify(seen.sightings[0]), /the watch answers 404/)

      await seen.until('it asks again', () => seen.sightings.length >= 2)
      assert.equal(seen.sightings[1]?.type, 'alive')
      remote.put({ name: 'maps' })
      await seen.untilNames('maps', 'weather')
      remote.change([], ['weather', 'maps'])
      await seen.refresh()
      assert.deepEqual([seen.names(), errorsOf(seen)], [[], []])
    })
  })

  it('yields signs of life during a Retry-After of an hour', async ({ mock }) => {
    const busy: Before = (_, response) => {
      response.writeHead(429, { 'retry-after': '3600' }).end()
      return true
    }
    await using remote = await openTestRoster({ front: busy })
    const { source, httpClient } = openRosterSource({ url: remote.url })
    const stop = new AbortController()
    const wake = createWakeSignal({ signal: stop.signal })
    const sightings = source({ signal: stop.signal, wake, push: () => assert.fail() })[Symbol.asyncIterator]()
    assert.equal((await sightings.next()).value?.type, 'picture')
    const requests = remote.requests.length

    mock.timers.enable({ apis: ['setTimeout'] })
    const next = sightings.next()
    await turn()
    mock.timers.tick(120_000)
    assert.deepEqual(await Promise.race([next, turns(20)]), { done: false, value: { type: 'alive', waits: true } })
    assert.equal(remote.requests.length, requests)

    mock.timers.reset()
    stop.abort()
    await sightings.return?.()
    await httpClient.close()
  })

  it('rejects servers that came from this registry, even if shown before, and those with too many hops', () => {
    const via = (...rosters: string[]) => ({ metadata: { [viaKey]: rosters } })
    const servers = [
      { name: 'mine', ...via('here', 'other') },
      { name: 'old', ...via('other') },
      { name: 'remote', ...via('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h') },
    ]
    return at({ servers }, {}, async (remote, seen) => {
      await seen.untilNames('old')
      assert.match(
        problemsOf(seen).join(),
        /from this registry itself, by way of here, other, remote.*more than 8 rosters|more than 8.*registry itself/,
      )
      assert.deepEqual(valueOf(seen, 'old')?.metadata[viaKey], ['other', 'remote'])

      remote.put({ name: 'old', ...via('here') })
      await seen.until('nothing is left', () => seen.names().length === 0)
      assert.equal(problemsOf(seen).length, 3)

      remote.put({ name: 'mine' })
      remote.drop('remote')
      await seen.untilNames('mine')
      await seen.until('one is rejected', () => problemsOf(seen).length === 1)
    })
  })

  it('does not follow itself', () =>
    at({ servers: [{ name: 'weather' }], instance: 'here' }, {}, async (_, seen) => {
      await seen.until('the error is shown', () =>
        errorsOf(seen).some(({ message }) => message === 'the URL leads to this registry itself'),
      )
      assert.deepEqual(seen.names(), [])
    }))

  it('replaces redacted secrets by placeholders', () => {
    const servers = [
      {
        name: 'weather',
        url: 'https://user:hunter2hunter2@weather.example/mcp?api_key=hunter2hunter2',
        headers: { Authorization: 'Bearer hunter2hunter2', 'X-Team': '${TEAM}' },
      },
      {
        name: 'command',
        url: undefined,
        command: 'python',
        args: ['--token', 'hunter2hunter2'],
        env: { KEY: 'x', OTHER: '${O:-secret}' },
      },
    ]
    return at({ servers }, {}, async (_, seen) => {
      await seen.untilNames('command', 'weather')

      const weather = valueOf(seen, 'weather')
      assert.deepEqual(weather?.['headers'], { Authorization: '${WEATHER_AUTHORIZATION}', 'X-Team': '${TEAM}' })
      assert.equal(weather?.['url'], 'https://user:${WEATHER_URL}@weather.example/mcp?api_key=${WEATHER_URL}')
      const command = valueOf(seen, 'command')
      assert.deepEqual(command?.['args'], ['--token', '${COMMAND_ARGS_2}'])
      assert.deepEqual(command?.['env'], { KEY: '${COMMAND_KEY}', OTHER: '${O}' })
    })
  })

  it('takes the remote health with trust_health, and for servers that cannot be probed', async () => {
    const servers = [
      { name: 'probed', health_check: 'mcp', status: 'unhealthy' as const },
      { name: 'beating', health_check: 'none', status: 'offline' as const },
    ]
    const reported = (seen: Followed) =>
      Object.fromEntries(
        [...seen.origins.values()].flatMap(({ entries }) =>
          entries.flatMap((one) =>
            'value' in one
              ? [[(one.value as Value).name, [one.reported?.status, (one.value as Value)['health_check']]]]
              : [],
          ),
        ),
      )
    await at({ servers }, {}, async (_, seen) => {
      await seen.untilNames('beating', 'probed')
      assert.deepEqual(reported(seen), { probed: [undefined, 'mcp'], beating: ['offline', 'none'] })
    })
    await at({ servers }, { trust_health: true }, async (_, seen) => {
      await seen.untilNames('beating', 'probed')
      assert.equal((reported(seen)['beating'] as unknown[])[0], 'offline')
      assert.equal((reported(seen)['probed'] as unknown[])[1], 'none')
    })
  })

  it('sends its token, and reports a wrong one', async () => {
    await at({ servers: [{ name: 'weather' }], token: 'right' }, { token: 'right' }, async (_, seen) => {
      await seen.untilNames('weather')
    })
    await at({ servers: [{ name: 'weather' }], token: 'right' }, { token: 'wrong' }, async (_, seen) => {
      await seen.until('the error is shown', () => errorsOf(seen).some((error) => error.class === 'auth'))
      assert.ok(!JSON.stringify(errorsOf(seen).map(({ message }) => message)).includes('wrong'))
    })
  })

  it('applies its selection to the servers', () =>
    at(
      { servers: [{ name: 'weather', tags: ['geo'] }, { name: 'maps' }] },
      { include: { tags: ['geo'] }, prefix: 'berlin-', tags: ['berlin'] },
      async (remote, seen) => {
        await seen.untilNames('berlin-weather')
        assert.deepEqual(valueOf(seen, 'berlin-weather')?.['tags'], ['geo', 'berlin'])
        remote.put({ name: 'maps', tags: ['geo'] })
        await seen.untilNames('berlin-maps', 'berlin-weather')
      },
    ))

  for (const [what, lines, expected] of [
    ['is not JSON', 'hello\n', /not an event/],
    ['is a server without an identity', '{"type":"ADDED","server":{"name":"x"}}\n', /not a server/],
    ['never ends', 'x'.repeat(9 * 1024 * 1024), /watch event exceeds/],
  ] as const) {
    it(`keeps its servers when the watch ${what}`, async () => {
      let isBroken = false
      const front: Before = ({ url }, response) => {
        if (!isBroken || !url?.includes('watch=true')) return false
        response.writeHead(200, { 'content-type': 'application/x-ndjson' })
        response.write(lines)
        return true
      }
      await at({ servers: [{ name: 'weather' }], front }, {}, async (_, seen) => {
        await seen.untilNames('weather')
        isBroken = true
        seen.raise()
        await seen.until('the error is shown', () => errorsOf(seen).some(({ message }) => expected.test(message)))
        assert.deepEqual(seen.names(), ['weather'])
        isBroken = false
        await seen.until('the error is gone', () => errorsOf(seen).length === 0)
      })
    })
  }
})
