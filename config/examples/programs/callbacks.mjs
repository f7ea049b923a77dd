// Is told when a connection changes: by a callback, and as a stream of events with the reason of each.
import { connectServers } from 'mcp-roster/connect'

const roster = process.env.MCP_ROSTER_URL ?? 'http://localhost:8000'
const fleet = await connectServers({
  roster,
  lazy: true,
  query: { name: 'weather' },
  onStatus: (server, state) => console.log('callback:', server, state),
})

async function printEvents() {
  for await (const { type, server, reason } of fleet.events()) console.log('event:', type, server, '-', reason)
}
const printing = printEvents()

await fleet.connect('weather')
await fleet.disconnect('weather')
await fleet.close()
await printing
