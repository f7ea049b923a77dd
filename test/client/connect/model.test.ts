import { describe, it } from 'node:test'
import { walkFleet } from './model/fleet-model.ts'

/** Seeds to walk: `FLEET_SEEDS=first-last`; a few by default. */
const [first = 1, last = 3] = (process.env['FLEET_SEEDS'] ?? '1-3').split('-').map(Number)

describe('a fleet after random faults', () => {
  for (let seed = first; seed <= last; seed += 1)
    it(`equals the registry, and no call was lost or repeated (seed ${seed})`, async () => {
      await walkFleet(seed)
    })
})
