import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { includesRole } from '../../src/model/principal.ts'

describe('a role', () => {
  const roles = ['none', 'reader', 'registrar', 'admin'] as const

  it('includes itself and every lower role', () => {
    for (const [rank, role] of roles.entries()) {
      for (const [neededRank, needed] of roles.entries()) {
        assert.equal(includesRole(role, needed), rank >= neededRank, `${role} includes ${needed}`)
      }
    }
  })
})
