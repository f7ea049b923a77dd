/**
 * Registers as fast as it can and prints every acknowledged registration, for tests that kill this process.
 * `node test/stores/sqlite/writer.ts FILE ROUND`.
 */
import { writeSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { silent } from '../../../src/log.ts'
import { openSqlite } from '../../../src/stores/sqlite/sqlite.ts'
import { put } from '../builders.ts'

const [path = '', round = ''] = process.argv.slice(2)
const store = await openSqlite({ path, log: silent })

async function write(client: number): Promise<void> {
  for (let n = 0; ; n += 1) {
    const name = `${round}-${client}-${n}`
    await store.commit([put({ name, definition: JSON.stringify({ name, filler: 'x'.repeat(500) }) })])
    await print(`${name}\n`)
  }
}

/** Writes synchronously, and retries while the reader is behind. */
async function print(text: string): Promise<void> {
  try {
    const written = writeSync(1, text)
    if (written < text.length) await print(text.slice(written))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error
    await setImmediate()
    await print(text)
  }
}

await Promise.all(Array.from({ length: 64 }, (_, client) => write(client)))
