// Chooses among servers that offer the same: in the client that holds the connections, or at the roster for a single call.
import { connectRoster } from 'mcp-roster'
import { connectServers } from 'mcp-roster/connect'

const url = process.env.MCP_ROSTER_URL ?? 'http://localhost:8000'
const fleet = await connectServers({ roster: url, query: { tag: 'geo' }, strategy: 'round_robin' })

const who = async (options) => (await fleet.call('forecast', { city: 'Bern' }, options)).content[0].text
const inTurn = [await who(), await who(), await who(), await who()]
console.log('in turn:', new Set(inTurn).size, 'servers')
const forAda = [await who({ key: 'ada' }), await who({ key: 'ada' }), await who({ key: 'ada' })]
console.log('for one user:', new Set(forAda).size, 'server')
await fleet.close()

const { picks } = await connectRoster({ url }).pick({ tag: 'geo', strategy: 'fastest' })
console.log('picked by the roster:', picks[0].server.id.startsWith('default/'), '-', typeof picks[0].reason)
