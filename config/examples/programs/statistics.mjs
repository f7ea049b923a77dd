// What is connected, and how its calls went.
import { connectServers } from 'mcp-roster/connect'

const roster = process.env.MCP_ROSTER_URL ?? 'http://localhost:8000'
const fleet = await connectServers({ roster, query: { tag: 'geo' } })
for (let call = 0; call < 10; call += 1) await fleet.call('forecast', { city: 'Bern' })

const { servers, connected, failed, tools, calls, retries, errors, p50_ms, p95_ms, by_server } = fleet.stats()
console.log({ servers, connected, failed, tools, calls, retries, errors })
console.log('milliseconds:', p50_ms >= 0 && p95_ms >= p50_ms ? 'half of the calls below p50, nearly all below p95' : 'none')
for (const [id, { calls: own }] of Object.entries(by_server)) console.log(id, own)

await fleet.close()
