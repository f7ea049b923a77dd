import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silent } from '../../../src/log.ts'
import { openSqlite } from '../../../src/stores/sqlite/sqlite.ts'
import { testStoreContract } from '../../contracts/store.ts'

testStoreContract({
  name: 'sqlite',
  make: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'roster-'))
    return {
      open: () => openSqlite({ path: join(folder, 'state', 'roster.db'), log: silent }),
      [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true }),
    }
  },
  survives: true,
  shared: true,
})
