// Connects to every enabled server of a roster, stays connected as the registry changes, and calls a tool wherever it is healthy.
import { connectServers } from 'mcp-roster/connect'

const roster = process.env.MCP_ROSTER_URL ?? 'http://localhost:8000'
const fleet = await connectServers({ roster })

console.log('connected:', fleet.active.toSorted().join(', '))
console.log('not connected:', fleet.failed.toSorted().join(', ') || 'none')
console.log('tools:', fleet.toolList().map(({ name }) => name).toSorted().join(', '))

const { content } = await fleet.call('forecast', { city: 'Bern' })
console.log('forecast:', content[0].text)

await fleet.close()
