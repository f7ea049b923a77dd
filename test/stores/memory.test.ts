import { silent } from '../../src/log.ts'
import { openMemory } from '../../src/stores/memory.ts'
import { testStoreContract } from '../contracts/store.ts'

testStoreContract({
  name: 'memory',
  make: async () => ({ open: async () => openMemory({ log: silent }), [Symbol.asyncDispose]: async () => {} }),
  survives: false,
  shared: false,
})
