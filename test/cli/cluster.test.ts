import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ApiPorts } from '../../src/api/ports.ts'
import { parts, serve } from '../api/served-api.ts'
import { running } from './command-runner.ts'

/** The members as the daemon `b` sees them. */
function clusterOf(fields: Partial<ApiPorts['cluster']> = {}): Partial<ApiPorts> {
  const member = { incarnation: '1', lease_ms: 15_000, build: '0.1.0', schema: 6, joined_ms: 3_600_000, seen_ms: 1000 }
  const members = [
    { ...member, id: 'a', address: 'http://10.0.0.1:8000' },
    { ...member, id: 'b\u001B[31m', address: 'http://10.0.0.2:8000' },
  ]
  return {
    cluster: {
      ...parts().cluster,
      isShared: true,
      storeType: 'postgres',
      self: () => ({ id: 'b\u001B[31m', incarnation: '1' }),
      view: () => ({ members, leader: 'a', readAt: performance.now() }),
      leader: () => 'a',
      leaderSince: () => '2026-12-01T00:00:00.000Z',
      ownership: () => ({ own: 7, byMember: new Map([['b\u001B[31m', 7]]), unowned: 2 }),
      lastTakeover: () => ({ at: '2026-12-01T00:00:01.000Z', from: 'c\u001B[31m', of: 'targets' }),
      ...fields,
    },
    store: () => ({ status: 'up', lagMs: 1234 }),
  }
}

const tokens = [
  { name: 'admin', token: 'admin-token-0123456789', role: 'admin' as const, secrets: false },
  { name: 'reader', token: 'reader-token-0123456789', role: 'reader' as const, secrets: false },
]
const as = (token: string) => ({ env: { MCP_ROSTER_TOKEN: `${token}-token-0123456789` } })

describe('mcp-roster cluster', () => {
  it('lists the members and the leader, with addresses for administrators only', async () => {
    await using api = await serve({ parts: clusterOf(), tokens })

    const { code, out, err } = await running(['cluster', '--url', api.url], as('admin'))
    assert.deepEqual([code, err], [0, ''])
    assert.match(
      out,
      /^MEMBER +ROLE +VERSION +AGE +RENEWED +TARGETS +ADDRESS\na +leader +0\.1\.0 +60m +1(\.\d)? s ago +0 +http:\/\/10/,
    )
    assert.match(out, /\nb\S+ \(this\) +member .* 7 +\S+10\.0\.0\.2:8000\nLeader: a since 2026-12-01T00:00:00\.000Z\n/)
    assert.match(
      out,
      /\nTargets that no member has probed yet: 2\nLast takeover: targets from c\S+ at \S+\nLast read what others wrote 1\.2 s ago\n$/,
    )
    assert.ok(!out.includes('\u001B'))

    const reader = await running(['cluster', '-o', 'json', '--url', api.url], as('reader'))
    const { members, ...status } = JSON.parse(reader.out) as { members: object[] }
    assert.equal(members.length, 2)
    assert.ok(members.every((member) => !('address' in member)))
    assert.partialDeepStrictEqual(status, { store: 'postgres', shared: true, is_leader: false, leader: 'a', count: 2 })
  })

  it('says so, and fails, where the daemon could not renew its membership', async () => {
    const cut = {
      isMember: () => false,
      view: () => ({ members: [], leader: undefined, readAt: 0 }),
      leader: () => undefined,
    }
    await using api = await serve({ parts: clusterOf(cut) })

    const { code, out } = await running(['cluster', '--url', api.url])
    assert.equal(code, 1)
    assert.match(out, /^b\S+ could not renew its membership in time.*its duties wait\.\n/)
  })

  it('says that a daemon with a store of its own is alone', async () => {
    await using api = await serve({ parts: { cluster: parts().cluster } })

    const { code, out } = await running(['cluster', '--url', api.url])
    assert.equal(code, 0)
    assert.match(out, /The store \(memory\) belongs to this daemon alone/)
  })
})
