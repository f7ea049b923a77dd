// Goes on with the last answer while the roster is away, and says so. The second level survives the program.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectRoster } from 'mcp-roster'

const url = process.env.MCP_ROSTER_URL ?? 'http://localhost:8000'
const folder = join(tmpdir(), `roster-answers-${process.pid}`)
await mkdir(folder, { recursive: true, mode: 0o700 })
const fileOf = (key) => join(folder, encodeURIComponent(key))
const store = {
  get: (key) => readFile(fileOf(key), 'utf8'),
  set: (key, text) => writeFile(fileOf(key), text),
  delete: (key) => rm(fileOf(key), { force: true }),
}

await connectRoster({ url, cache: { store } }).list({ tag: 'geo' })

// Another program, later; the roster does not answer.
const away = connectRoster({
  url,
  cache: { store, freshMs: 0 },
  retries: 0,
  fetch: () => Promise.reject(new Error('connection refused')),
  onStale: ({ path, reason }) => console.log(`stale: ${path}, ${reason.replace(url, 'the roster')}`),
})
const { servers, stale } = await away.list({ tag: 'geo' })
console.log(servers.length, 'servers,', stale ? 'not confirmed' : 'confirmed')

await rm(folder, { recursive: true })
