import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { McpServer } from '@modelcontextprotocol/server'
import { connectServers, FleetError } from '../../../src/client/connect/index.ts'
import { connectRoster, RosterError } from '../../../src/client/index.ts'
import { until } from '../../e2e/daemon-process.ts'
import { startHere } from '../../in-process-daemon.ts'
import { startMcp, text } from './mcp-servers.ts'
import { createServerFile } from './server-file.ts'

/** Two servers of a legacy session whose tool takes longer than any call waits, and what they have carried out. */
async function startSlowPair() {
  await using stack = new AsyncDisposableStack()
  const carriedOut: string[] = []
  const end = new AbortController()
  const build = (name: string) => (server: Parameters<NonNullable<Parameters<typeof oneServer>[1]>>[0]) =>
    server.registerTool('pay', {}, async () => {
      carriedOut.push(name)
      await pause(60_000, undefined, { signal: end.signal }).catch(() => undefined)
      return text(name)
    })
  const a = stack.use(await oneServer('a', build('a')))
  const b = stack.use(await oneServer('b', build('b')))
  stack.defer(() => end.abort())
  const { daemon } = stack.use(await createServerFile({ a: { url: a.url }, b: { url: b.url } }))
  const fleet = stack.use(await connectServers({ roster: daemon.url }))
  const owned = stack.move()
  return { fleet, carriedOut, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

const oneServer = (name: string, build?: NonNullable<Parameters<typeof startMcp>[0]>['build']) =>
  startMcp({ name, ...(build ? { build } : {}) })

const withCode = (code: string) => (error: unknown) => error instanceof FleetError && error.code === code

describe('a call that takes too long', () => {
  it('is carried out once, and its outcome is unknown', async () => {
    await using pair = await startSlowPair()

    for (let call = 0; call < 3; call += 1)
      await assert.rejects(pair.fleet.call('pay', {}, { timeoutMs: 100 }), withCode('unknown'))
    await until(() => pair.carriedOut.length >= 3)
    assert.equal(pair.carriedOut.length, 3)
  })
})

describe('a fleet and its roster', () => {
  it('reaches an agent that registered its address alone, at the path of every published runtime', async () => {
    await using agent = await startMcp({
      name: 'greeter',
      intercept(request, response) {
        if (request.url === '/mcp') return false
        response.writeHead(404).end()
        return true
      },
    })
    await using daemon = await startHere('sources: [{ type: agents }]')
    const endpoint = agent.url.replace('/mcp', '')
    await connectRoster({ url: daemon.url }).register({ agent_id: 'greeter', endpoint, capabilities: ['forecast'] })

    await using fleet = await connectServers({ roster: daemon.url })
    assert.deepEqual((await fleet.call('forecast')).content, text('sunny').content)
    const config = await connectRoster({ url: daemon.url }).discover('claude')
    assert.match(JSON.stringify(config), new RegExp(agent.url))
  })

  it('fails with the reason where no roster answers in time', async () => {
    await assert.rejects(connectServers({ roster: 'http://127.0.0.1:59', rosterTimeoutMs: 300 }), (error) => {
      assert.ok(error instanceof RosterError && error.code === 'unreachable')
      return error.message.includes('http://127.0.0.1:59')
    })
    const closing = new AbortController()
    const connecting = connectServers({ roster: 'http://127.0.0.1:59', signal: closing.signal })
    closing.abort(new Error('mine'))
    await assert.rejects(connecting, /mine/)
  })
})

describe('wrong use of a fleet', () => {
  it('arguments and options that cannot be meant are a TypeError, and no server is blamed', async () => {
    await using server = await startMcp({ name: 'weather' })
    await using place = await createServerFile({ weather: { url: server.url } })
    await using fleet = await connectServers({ roster: place.daemon.url, breaker: { failures: 1 } })
    const circle: Record<string, unknown> = {}
    circle['self'] = circle
    const wrong: readonly (readonly [unknown, unknown, object?])[] = [
      ['forecast', { big: 1n }],
      ['forecast', circle],
      ['forecast', 'text'],
      ['forecast', null],
      ['forecast', []],
      [undefined, {}],
      [{}, {}],
      ['forecast', {}, { timeoutMs: -1 }],
      ['forecast', {}, { timeoutMs: 0 }],
      ['forecast', {}, { timeoutMs: Number.NaN }],
      ['forecast', {}, { strategy: 'foo' }],
      ['forecast', {}, { strategy: 'toString' }],
      ['forecast', {}, { signal: 5 }],
    ]

    for (const [target, args, options] of wrong)
      await assert.rejects(async () => fleet.call(target as never, args as never, options), TypeError)
    assert.equal(server.countOf('tools/call'), 0)
    assert.deepEqual([fleet.get('weather')?.circuit, fleet.stats().errors], ['closed', 0])
    const forever = { timeoutMs: Infinity }
    assert.deepEqual((await fleet.call('forecast', {}, forever)).content, text('sunny').content)
  })

  it('options of a fleet are checked before anything is opened', async () => {
    const roster = 'http://127.0.0.1:59'
    const numbers = [{ concurrency: 0 }, { pingIntervalMs: -1 }, { callTimeoutMs: Number.NaN }, { strategy: 'foo' }]
    const functions = [{ stdio: true }, { credentials: {} }, { onStatus: 1 }, { placeholders: 'x' }, { signal: 1 }]
    const rosters = [{ roster: '' }, { roster: 'x y' }, { roster: 5 }, { roster: {} }, { roster: null }]
    const wrong: readonly object[] = [...numbers, ...functions, ...rosters]

    for (const options of wrong) await assert.rejects(connectServers({ roster, ...options }), TypeError)
  })

  it('a closed fleet opens nothing any more', async () => {
    await using server = await startMcp({ name: 'weather' })
    await using place = await createServerFile({ weather: { url: server.url } })
    const fleet = await connectServers({ roster: place.daemon.url, lazy: true })
    await fleet.close()

    await assert.rejects(fleet.connect('weather'), withCode('closed'))
    await assert.rejects(fleet.connectAll(), withCode('closed'))
    await assert.rejects(fleet.reconnect(), withCode('closed'))
    await assert.rejects(fleet.call('forecast'), withCode('closed'))
    for await (const event of fleet.events()) assert.fail(event.type)
    assert.deepEqual([fleet.active, server.methods.length], [[], 0])
  })

  it('a call that is under way when the fleet closes opens no session afterwards', async () => {
    await using server = await startMcp({ name: 'weather' })
    await using place = await createServerFile({ weather: { url: server.url } })
    const fleet = await connectServers({ roster: place.daemon.url, lazy: true })
    const calls = Array.from({ length: 5 }, () => fleet.call('forecast').catch((error: unknown) => error))
    await fleet.close()

    for (const outcome of await Promise.all(calls))
      assert.ok(!(outcome instanceof Error) || withCode('closed')(outcome), String(outcome))
    const { length } = server.methods
    await assert.rejects(fleet.call('forecast'), withCode('closed'))
    assert.deepEqual([fleet.active, server.methods.length], [[], length])
  })

  it('a command is started only where the caller says true: a promise of false is no consent', async () => {
    await using place = await createServerFile({
      local: { command: process.execPath, args: ['-e', 'process.exit(7)'] },
    })
    for (const answer of [Promise.resolve(false), 1, 'yes', {}]) {
      await using fleet = await connectServers({ roster: place.daemon.url, stdio: () => answer as never })
      const { state, reason } = fleet.get('local') ?? assert.fail()
      assert.equal(state, 'disconnected')
      assert.match(reason, /option stdio/)
    }
  })

  it('a predicate for commands that throws keeps one server away, and the fleet follows the registry', async () => {
    await using server = await startMcp({ name: 'weather' })
    const local = { command: process.execPath, args: ['-e', 'process.exit(7)'] }
    await using place = await createServerFile({ local })
    const stdio = () => {
      throw new Error('mine')
    }
    await using fleet = await connectServers({ roster: place.daemon.url, stdio })
    place.write({ local, later: { url: server.url } })

    await until(() => fleet.active.includes('default/later'))
    assert.match(fleet.get('local')?.reason ?? '', /the option stdio failed \(Error: mine\)/)
  })

  it('a callback for progress that fails harms nothing', async () => {
    const build = (server: McpServer) =>
      server.registerTool('count', {}, async ({ mcpReq }) => {
        const progressToken = mcpReq['_meta']?.progressToken ?? 0
        await mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress: 1 } })
        return text('done')
      })
    await using server = await startMcp({ name: 'counter', build })
    await using place = await createServerFile({ counter: { url: server.url } })
    await using fleet = await connectServers({ roster: place.daemon.url })
    let calls = 0
    const fail = (isAsync: boolean) => (): never => {
      calls += 1
      if (isAsync) return Promise.reject(new Error('mine')) as never
      throw new Error('mine')
    }

    for (const isAsync of [false, true])
      assert.deepEqual((await fleet.call('count', {}, { onProgress: fail(isAsync) })).content, text('done').content)
    assert.equal(calls, 2)
  })

  it('credentials that never come fail one server after its time to connect, and hold up no other', async () => {
    await using server = await startMcp({ name: 'weather' })
    await using place = await createServerFile({ stuck: { url: server.url }, well: { url: server.url } })
    await using fleet = await connectServers({
      roster: place.daemon.url,
      connectTimeoutMs: 300,
      credentials: ({ name }) => (name === 'stuck' ? new Promise(() => undefined) : undefined),
    })

    assert.deepEqual(fleet.active, ['default/well'])
    assert.match(fleet.get('stuck')?.reason ?? '', /credentials.* in time/)
  })

  it('connectAll takes tags as a list too', async () => {
    await using server = await startMcp({ name: 'weather' })
    await using place = await createServerFile({ near: { url: server.url, tags: ['geo'] }, far: { url: server.url } })
    await using fleet = await connectServers({ roster: place.daemon.url, lazy: true })

    assert.deepEqual(await fleet.connectAll(['geo']), ['default/near'])
  })
})
