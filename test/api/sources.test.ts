import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silent } from '../../src/log.ts'
import { SourceError, type Source } from '../../src/model/source.ts'
import type { SourceStatus } from '../../src/model/status.ts'
import { createSupervisor } from '../../src/registry/supervision/supervisor.ts'
import { reading } from '../made.ts'
import { createTestRegistry } from '../roster.ts'
import { parts, serve } from './served.ts'

/** A place that lists whatever `names` holds, looked at when asked to; or cannot be read. */
function place(names: string[], state: { broken: boolean }): Source {
  return async function* look({ signal, wake }) {
    while (!signal.aborted) {
      wake.take()
      if (state.broken) throw new SourceError('the place is shut')
      yield { type: 'picture', readings: [reading('here', ...names)] }
      await wake.wait()
    }
  }
}

async function supervised(names: string[], { state = { broken: false }, questionsShrinks = false } = {}) {
  const roster = createTestRegistry()
  const supervisor = createSupervisor({ registry: roster.registry, log: silent })
  await supervisor.apply([
    {
      name: 'team',
      type: 'file',
      settings: {},
      layer: { reach: 'any', discovery_method: 'config_file' },
      trust: { stdio: () => true, questionsShrinks },
      maxSilenceMs: 60_000,
      open: () => place(names, state),
    },
  ])
  return { roster, supervisor }
}

describe('sources', () => {
  it('whose shrink is held back are believed when somebody says so', async () => {
    const names = Array.from({ length: 10 }, (_, n) => `server-${n}`)
    const { roster, supervisor } = await supervised(names, { questionsShrinks: true })
    await using running = supervisor
    await using served = await serve({ parts: { ...parts(roster), supervisor: running } })
    const post = async (verb: string) => {
      return (await (await served.get(`/sources/team/${verb}`, { method: 'POST' })).json()) as Record<string, unknown>
    }
    await post('refresh')
    names.splice(1)

    const held = await post('refresh')
    const released = await post('release')

    assert.deepEqual([held['held'], (held['status'] as { servers: number }).servers], [true, 10])
    assert.deepEqual([released['released'], (released['status'] as { servers: number }).servers], [true, 1])
    assert.equal((await post('release'))['released'], false)
    assert.equal((await served.get('/sources/nobody/release', { method: 'POST' })).status, 404)
  })

  it('are read when asked to, and the answer says what changed', async () => {
    const names = ['a', 'b']
    const { roster, supervisor } = await supervised(names)
    await using running = supervisor
    await using served = await serve({ parts: { ...parts(roster), supervisor: running } })
    const refresh = () => served.get('/sources/team/refresh', { method: 'POST' })
    await refresh()

    names.splice(0, 1, 'c')
    const answer = (await (await refresh()).json()) as { changes: object; status: { servers: number } }

    assert.deepEqual(answer.changes, { added: ['default/c'], modified: [], deleted: ['default/a'] })
    assert.equal(answer.status.servers, 2)
    assert.equal((await served.get('/servers/c')).status, 200)
    assert.equal((await served.get('/servers/a')).status, 404)
    assert.equal((await served.get('/sources/nobody/refresh', { method: 'POST' })).status, 404)
  })

  it('that cannot be read say so to whoever asked, and keep what they had', async () => {
    const state = { broken: false }
    const { roster, supervisor } = await supervised(['a'], { state })
    await using running = supervisor
    await using served = await serve({ parts: { ...parts(roster), supervisor: running } })
    await served.get('/sources/team/refresh', { method: 'POST' })

    state.broken = true
    const answer = await served.get('/sources/team/refresh', { method: 'POST' })
    const all = (await (await served.get('/discover', { method: 'POST' })).json()) as { failed: string[] }

    assert.equal(answer.status, 502)
    assert.match(await answer.text(), /the place is shut/)
    assert.deepEqual(all.failed, ['team'])
    assert.equal((await served.get('/servers/a')).status, 200)
  })

  it('show no secret of an address or a message', async () => {
    const url = 'https://user:canary@partner.example/list?token=canary'
    const { supervisor } = parts()
    const status: SourceStatus = {
      name: 'partner',
      type: 'http',
      state: 'stale',
      servers: 0,
      shadowed: 0,
      rejected: 1,
      consecutive_failures: 1,
      restarts: 0,
      note: `polling ${url}`,
      last_error: `${url} answered 500`,
      origins: [{ origin: url, servers: 0, stale: true, error: 'Authorization: Bearer canary was refused' }],
      rejections: [{ origin: url, reason: `url: ${url} is no URL`, kept: false }],
    }
    const failing = {
      ...supervisor,
      sources: () => [status],
      names: () => ['partner'],
      refresh: () => Promise.reject(new Error(`${url} did not answer`)),
    }
    await using served = await serve({ parts: { supervisor: failing } })

    const texts = await Promise.all(
      [
        served.get('/sources'),
        served.get('/sources/partner'),
        served.get('/sources/partner/refresh', { method: 'POST' }),
        served.get('/discover', { method: 'POST' }),
        served.get('/health'),
        served.get('/readyz'),
      ].map(async (answer) => (await answer).text()),
    )

    for (const text of texts) assert.doesNotMatch(text, /canary/)
    assert.match(texts[0] ?? '', /partner\.example/)
  })
})
