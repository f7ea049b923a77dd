import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createOwners } from '../../src/cluster/rendezvous.ts'

const keys = Array.from({ length: 30_000 }, (_, n) => `http://server-${n}.example/mcp`)
const ids = ['roster-0', 'roster-1', 'roster-2', 'roster-3', 'roster-4']

function shares(members: readonly string[]): Map<string, number> {
  const ownerOf = createOwners(members)
  return new Map([...Map.groupBy(keys, (key) => ownerOf(key) ?? '')].map(([id, owned]) => [id, owned.length]))
}

describe('rendezvous hashing', () => {
  it('gives each member an equal share of the keys, whatever the form of the ids', () => {
    const pods = ['a', 'b', 'c', 'd', 'e'].map((end) => `mcp-roster-7d9f8b6c5-x2k${end}`)
    for (const members of [ids, ids.slice(0, 3), pods, ['a', 'b']]) {
      const mean = keys.length / members.length
      for (const [id, count] of shares(members)) assert.ok(Math.abs(count - mean) < mean * 0.05, `${id}: ${count}`)
      assert.equal(shares(members).size, members.length)
    }
  })

  it('moves only the share of a member that comes or goes, and to all others alike', () => {
    const [all, without] = [createOwners(ids), createOwners(ids.filter((id) => id !== 'roster-2'))]
    const moved = keys.filter((key) => all(key) !== without(key))

    assert.ok(moved.every((key) => all(key) === 'roster-2'))
    const heirs = Map.groupBy(moved, (key) => without(key))
    for (const id of ['roster-0', 'roster-1', 'roster-3', 'roster-4'])
      assert.ok(Math.abs((heirs.get(id)?.length ?? 0) - moved.length / 4) < moved.length * 0.03, id)
  })

  it('does not depend on the order of the ids', () => {
    const [ownerOf, other] = [createOwners(ids), createOwners(ids.toReversed())]
    assert.ok(keys.every((key) => ownerOf(key) === other(key)))
    assert.equal(createOwners([])('a'), undefined)
    assert.equal(createOwners(['only'])(''), 'only')
  })

  it('stays as it is between versions', () => {
    assert.deepEqual(
      ['leader', 'http://a.example/mcp', 'é 🦉', ''].map((key) => createOwners(ids)(key)),
      ['roster-0', 'roster-0', 'roster-3', 'roster-1'],
    )
  })
})
