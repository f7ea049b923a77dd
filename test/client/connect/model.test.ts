import { describe, it } from 'node:test'
import { walkFleet } from './model/fleet-model.ts'

/** Many more are walked by `npm run soak -- fleet-model`, as many as `FLEET_SEEDS` says. */
const seeds = [1, 2, 3]

describe('a fleet after random faults', { concurrency: true }, () => {
  for (const seed of seeds)
    it(`equals the registry, and no call was lost or repeated (seed ${seed})`, async () => {
      await walkFleet(seed)
    })
})
