import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, it } from 'node:test'
import { allMutants, misfit } from './mutants.ts'

describe('mutants', () => {
  it('every mutant applies to the current code and names its reason and existing tests', async () => {
    const mutants = allMutants()
    const wrong = await Promise.all(
      mutants.map(async (mutant) => {
        const { name, why, tests } = mutant
        const missing = tests.filter((file) => !existsSync(file))
        if (why === '' || tests.length === 0 || missing.length > 0) return `${name}: no reason, or no tests`
        const reason = await misfit(mutant, '.')
        return reason && `${name}: ${reason}`
      }),
    )

    assert.ok(mutants.length >= 10)
    assert.deepEqual(
      wrong.filter((one) => one !== undefined),
      [],
    )
  })
})
