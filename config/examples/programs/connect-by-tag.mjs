// Knows every server, but connects only to those with all of these tags, and to one more by its name.
import { connectServers } from 'mcp-roster/connect'

const roster = process.env.MCP_ROSTER_URL ?? 'http://localhost:8000'
const fleet = await connectServers({ roster, lazy: true })

console.log('known:', fleet.connections.size)
console.log('with the tag geo:', (await fleet.connectAll({ tags: ['geo'] })).toSorted().join(', '))
console.log('tides, by name:', await fleet.connect('tides'))
await fleet.disconnect('tides')
console.log('tides is', fleet.get('tides').state)

await fleet.close()
