import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compareOfferVersions, satisfiesConstraint } from '../../../../src/agents/resolution/matching/version-match.ts'
import masterminds from './masterminds.json' with { type: 'json' }

const { versions } = masterminds

describe('version constraints', () => {
  it('are satisfied by the versions that the Go library of the original registry accepts', () => {
    for (const [constraint, positions] of Object.entries(masterminds.satisfied)) {
      const satisfying = versions.filter((version) => satisfiesConstraint(version, constraint))

      assert.deepEqual(
        satisfying,
        positions.map((at) => versions[at]),
        JSON.stringify(constraint),
      )
    }
  })

  it('a long constraint is compared as text, and takes no long time', () => {
    const long = `${'>=1 '.repeat(100_000)}!`
    const started = performance.now()

    assert.equal(satisfiesConstraint('1.0.0', long), false)
    assert.equal(satisfiesConstraint('1.0.0', `${' '.repeat(200)}1${' '.repeat(54)}!`), false)
    assert.equal(satisfiesConstraint(long, long), true)
    assert.ok(performance.now() - started < 1000)
  })
})

describe('the order of versions', () => {
  it('is that of the Go library; a text that is no version is lower than any version', () => {
    const signs = ['<', '=', '>']
    for (const [version, order] of Object.entries(masterminds.order)) {
      const computed = versions.map((other) => signs[Math.sign(compareOfferVersions(version, other)) + 1])

      assert.equal(computed.join(''), order, JSON.stringify(version))
    }
  })
})
