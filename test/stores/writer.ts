/**
 * A process that registers as fast as it can and says on its output which registrations were acknowledged: for the tests
 * that kill it. `node test/stores/writer.ts FILE ROUND`.
 */
import { writeSync } from 'node:fs'
import { silent } from '../../src/log.ts'
import { openSqlite } from '../../src/stores/sqlite/sqlite.ts'
import { put } from './made.ts'

const [path = '', round = ''] = process.argv.slice(2)
const store = await openSqlite({ path, log: silent })

async function write(client: number): Promise<void> {
  for (let n = 0; ; n += 1) {
    const name = `${round}-${client}-${n}`
    await store.commit([put({ name, definition: JSON.stringify({ name, filler: 'x'.repeat(500) }) })])
    writeSync(1, `${name}\n`)
  }
}

await Promise.all(Array.from({ length: 64 }, (_, client) => write(client)))
