import { silent } from '../../src/log.ts'
import { openMemory } from '../../src/stores/memory.ts'
import { keepsTheStoreContract } from '../contracts/store.ts'

keepsTheStoreContract({
  name: 'memory',
  make: async () => ({ open: async () => openMemory({ log: silent }), [Symbol.asyncDispose]: async () => {} }),
  survives: false,
  shared: false,
})
