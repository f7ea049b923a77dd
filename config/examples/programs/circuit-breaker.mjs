// Stops calling a server that keeps failing; one call tries it again later. Meanwhile the fallback answers.
import { connectServers } from 'mcp-roster/connect'

const roster = process.env.MCP_ROSTER_URL ?? 'http://localhost:8000'
const fleet = await connectServers({ roster, query: { name: 'broken' }, breaker: { failures: 2, openMs: 60_000 } })

for (let call = 0; call < 4; call += 1) {
  const { content } = await fleet.call('order', {}, { fallback: () => ({ content: [{ type: 'text', text: 'out of order' }] }) })
  console.log(content[0].text)
}
console.log('circuit:', fleet.get('broken').circuit)

await fleet.close()
