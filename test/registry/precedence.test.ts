import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ServerDefinition } from '../../src/model/server.ts'
import type { Candidate, Layer } from '../../src/registry/candidate.ts'
import { byPrecedence, candidatesOf, isShownAs, rebaseCandidates } from '../../src/registry/precedence.ts'
import { createRecord } from '../../src/registry/record.ts'
import { createServerDigest, publicDigestKey } from '../../src/registry/state-digest.ts'

const definition = ServerDefinition.parse({ name: 'weather', url: 'http://weather.example/mcp' })
const stamp = { at: '2026-01-01T00:00:00.000Z', version: 'e-1', digestOf: createServerDigest(publicDigestKey) }

function createCandidate(fields: { order?: number; origin?: string; rank?: number; position?: number }): Candidate {
  const { order = 0, origin = 'a', rank = 0, position = 0 } = fields
  const layer: Layer = { name: `layer ${order}`, reach: 'any', discovery_method: 'config_file', order }
  return { id: 'default/weather', definition, layer, origin, rank, position, stale: false }
}

const recordOf = ([winner, ...losers]: readonly Candidate[]) =>
  winner && createRecord(winner, losers, { before: undefined, stamp })

describe('precedence', () => {
  const layer: Layer = { name: 'file', reach: 'any', discovery_method: 'config_file', order: 1 }
  const own = (origin: string, rank: number, position: number) => ({
    ...createCandidate({ origin, rank, position }),
    layer,
  })
  const expected = [createCandidate({ order: 0 }), own('z', 0, 0), own('a', 1, 0), own('a', 1, 2), own('b', 1, 0)]

  it('is by source, then rank, then origin, then position', () => {
    assert.deepEqual(expected.toReversed().toSorted(byPrecedence), expected)
  })
})

describe('the candidates of a record', () => {
  const [first, second, third] = [0, 1, 2].map((order) => createCandidate({ order })) as [
    Candidate,
    Candidate,
    Candidate,
  ]

  it('are its winner and its losers', () => {
    assert.deepEqual(candidatesOf(recordOf([first, second])), [first, second])
    assert.deepEqual(candidatesOf(undefined), [])
  })

  for (const [title, before, planned, now, expected] of [
    ['keep what another commit added', [second], [second, third], [first, second], [first, second, third]],
    ['lose what the plan removed', [first, second], [second], [first, second, third], [second, third]],
    ['lose what another commit removed', [first, second], [first, second, third], [second], [second, third]],
    ['add what the plan adds to an empty id', [], [first], [], [first]],
  ] as const) {
    it(`${title} when a plan is rebased`, () => {
      const rebased = rebaseCandidates({ before: recordOf(before), candidates: planned }, recordOf(now))

      assert.deepEqual(rebased, expected)
    })
  }

  it('are shown alike only with the same winner and the same shadows', () => {
    const record = recordOf([first, second]) ?? assert.fail()

    assert.equal(isShownAs(record, first, [second]), true)
    assert.equal(isShownAs(record, first, [{ ...second }]), true)
    assert.equal(isShownAs(record, first, [third]), false)
    assert.equal(isShownAs(record, first, []), false)
    assert.equal(isShownAs(record, { ...first }, [second]), false)
  })
})
