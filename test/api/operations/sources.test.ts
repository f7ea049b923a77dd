import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { silent } from '../../../src/log.ts'
import { SourceError, type Source } from '../../../src/model/source.ts'
import type { SourceStatus } from '../../../src/model/status.ts'
import { createSupervisor } from '../../../src/registry/supervision/supervisor.ts'
import { reading } from '../../builders.ts'
import { temporary } from '../../e2e/daemon-process.ts'
import { startHere } from '../../in-process-daemon.ts'
import { createTestRegistry } from '../../test-registry.ts'
import { parts, serve } from '../served-api.ts'

/** A source that yields `names` whenever it is woken, or fails. */
function createSource(names: string[], state: { isBroken: boolean }): Source {
  return async function* read({ signal, wake }) {
    while (!signal.aborted) {
      wake.take()
      if (state.isBroken) throw new SourceError('the source is broken')
      yield { type: 'picture', readings: [reading('here', ...names)] }
      await wake.wait()
    }
  }
}

async function createSupervised(names: string[], { state = { isBroken: false }, questionsShrinks = false } = {}) {
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
      open: () => createSource(names, state),
    },
  ])
  return { roster, supervisor }
}

describe('the routes of sources', () => {
  it('release a held shrink', async () => {
    const names = Array.from({ length: 10 }, (_, n) => `server-${n}`)
    const { roster, supervisor } = await createSupervised(names, { questionsShrinks: true })
    await using running = supervisor
    await using served = await serve({ parts: { ...parts(roster), supervisor: running } })
    const post = async (verb: string) => {
      return (await (await served.get(`/sources/team/${verb}`, { method: 'POST' })).json()) as Record<string, unknown>
    }
    await post('refresh')
    names.splice(1)

    const held = await post('refresh')
    const planned = await post('release?dry_run=true')
    const released = await post('release')

    assert.deepEqual([held['held'], (held['status'] as { servers: number }).servers], [true, 10])
    assert.deepEqual([planned['dry_run'], planned['released']], [true, true])
    assert.equal((planned['status'] as { servers: number }).servers, 10)
    assert.deepEqual([released['released'], (released['status'] as { servers: number }).servers], [true, 1])
    assert.equal((await post('release'))['released'], false)
    assert.equal((await served.get('/sources/unknown/release', { method: 'POST' })).status, 404)
  })

  it('refresh a source and return its changes', async () => {
    const names = ['a', 'b']
    const { roster, supervisor } = await createSupervised(names)
    await using running = supervisor
    await using served = await serve({ parts: { ...parts(roster), supervisor: running } })
    const refresh = () => served.get('/sources/team/refresh', { method: 'POST' })
    await refresh()

    names.splice(0, 1, 'c')
    const response = (await (await refresh()).json()) as { changes: object; status: { servers: number } }

    assert.deepEqual(response.changes, { added: ['default/c'], modified: [], deleted: ['default/a'] })
    assert.equal(response.status.servers, 2)
    assert.equal((await served.get('/servers/c')).status, 200)
    assert.equal((await served.get('/servers/a')).status, 404)
    assert.equal((await served.get('/sources/unknown/refresh', { method: 'POST' })).status, 404)
  })

  it('response 502 for a source that fails, which keeps its servers', async () => {
    const state = { isBroken: false }
    const { roster, supervisor } = await createSupervised(['a'], { state })
    await using running = supervisor
    await using served = await serve({ parts: { ...parts(roster), supervisor: running } })
    await served.get('/sources/team/refresh', { method: 'POST' })

    state.isBroken = true
    const response = await served.get('/sources/team/refresh', { method: 'POST' })
    const all = (await (await served.get('/discover', { method: 'POST' })).json()) as { failed: string[] }

    assert.equal(response.status, 502)
    assert.match(await response.text(), /the source is broken/)
    assert.deepEqual(all.failed, ['team'])
    assert.equal((await served.get('/servers/a')).status, 200)
  })

  it('show and record why an entry is rejected, whatever the name of its field', async () => {
    using folder = temporary()
    const entry = { url: 'https://a.example/mcp', headers: { Authorization: ['Bearer canary'] } }
    writeFileSync(folder.at('servers.json'), JSON.stringify({ servers: { entry } }))
    await using daemon = await startHere(
      `sources: [{ type: file, name: files, paths: [${folder.at('servers.json')}] }]\nstore: { type: memory }\n`,
    )
    type Reasons = { reason: string }[]

    const { body, text } = await daemon.ask<{ rejections: Reasons }>('GET', '/sources/files')
    const journal = await daemon.ask<{ events: { reason: string; data: { first: { reason: string } } }[] }>(
      'GET',
      '/events?type=rejected',
    )

    const expected = 'headers.Authorization: must be text, not a list'
    assert.deepEqual(
      body.rejections.map(({ reason }) => reason),
      [expected],
    )
    assert.deepEqual(
      journal.body.events.map(({ reason, data }) => [reason, data.first.reason]),
      [[expected, expected]],
    )
    assert.doesNotMatch(text + journal.text, /canary|isRedacted/)
  })

  it('redact addresses and messages', async () => {
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
      refresh: () => Promise.reject(new Error(`${url} did not response`)),
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
      ].map(async (response) => (await response).text()),
    )

    for (const text of texts) assert.doesNotMatch(text, /canary/)
    assert.match(texts[0] ?? '', /partner\.example/)
  })
})
