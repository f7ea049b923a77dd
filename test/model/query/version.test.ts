import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { matchingVersion } from '../../../src/model/query/version.ts'

describe('a version constraint', () => {
  for (const [constraint, version, holds] of [
    ['>1.0.0', '1.0.1', true],
    ['>1.0.0', '1.0.0', false],
    ['>=1.0', '1.0.0', true],
    ['<=2', '2.0.0', true],
    ['*', '2.1.0-beta', true],
    ['2.x', '2.1.0-beta', true],
    ['<2.0.0', '10.0.0', false],
    ['=1.2.0', '1.2.0', true],
    ['1.2.0', '1.2.0', true],
    ['1.2.0', '1.2.1', false],
    ['~1.2.0', '1.2.9', true],
    ['~1.2.0', '1.3.0', false],
    ['^1.0.0', '1.9.9', true],
    ['^1.0.0', '2.0.0', false],
    ['^0.2.0', '0.3.0', false],
    ['>=1 <2 || 3.x', '3.4.5', true],
    ['>=1 <2 || 3.x', '2.0.0', false],
    ['1.2.3 - 1.4', '1.4.9', true],
    ['>=1,<2', '1.9.0', true],
    ['>=1, <2 || 3.x', '2.0.0', false],
    ['*', '7.0.0', true],
    // For a single operator a pre-release counts as its release.
    ['>=2.1.0', '2.1.0-beta', true],
    ['>2.1.0', '2.1.0-beta', false],
    // In an npm range, a pre-release matches only where the range names one.
    ['>=2.0.0 <3.0.0', '2.1.0-beta', false],
    ['>=2.1.0-alpha <3.0.0', '2.1.0-beta', true],
    ['2.1.0-beta', '2.1.0-beta', true],
    ['>=1', 'v1.2', true],
    ['>=2024.1', '2024.06', true],
    ['2024.06', '2024.06', true],
    ['>=1', 'latest', false],
    ['*', 'latest', false],
    [' >= 1.0.0 ', '1.0.0', true],
  ] as const) {
    it(`${constraint} ${holds ? 'holds' : 'does not hold'} of ${version}`, () => {
      assert.equal(matchingVersion(constraint)?.(version), holds)
    })
  }

  for (const constraint of ['banana', '>>1', '>=', '1.2.3 foo', '^^1', ',', '\u0000', `>=1 ${'<2 '.repeat(200)}`]) {
    it(`rejects ${JSON.stringify(constraint).slice(0, 30)}`, () => {
      assert.equal(matchingVersion(constraint), undefined)
    })
  }
})
