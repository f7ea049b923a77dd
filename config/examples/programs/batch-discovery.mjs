// Several queries in one request, answered as of one revision: no server is in two answers at once, or in none, because it moved.
import { connectRoster } from 'mcp-roster'

const roster = connectRoster({ url: process.env.MCP_ROSTER_URL ?? 'http://localhost:8000' })
const { results } = await roster.query([{ tag: 'geo' }, { name: 'tides' }, { status: 'no such status' }])

for (const { servers, problem } of results)
  console.log(servers ? servers.map(({ name }) => name).toSorted().join(', ') : `problem: ${problem.code}`)
