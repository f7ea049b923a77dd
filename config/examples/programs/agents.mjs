// Two agents that find each other: the greeter is given the clock while there is one, and null otherwise.
import { createAgent } from 'mcp-roster/agent'
import { connectServers } from 'mcp-roster/connect'

const roster = process.env.MCP_ROSTER_URL ?? 'http://localhost:8000'
const options = { roster, host: '127.0.0.1', health_interval: 1 }

const greeter = createAgent({ ...options, id: 'greeter-1' })
greeter.tool('greet', { dependencies: ['clock'] }, async (_, { clock }) =>
  clock ? `hello, it is ${await clock()}` : 'hello, without a clock',
)
await greeter.start()

const clock = createAgent({ ...options, id: 'clock-1' })
clock.tool('now', { capability: 'clock' }, () => 'noon')
await clock.start()

const fleet = await connectServers({ roster, query: { capability: 'greet' } })

/** Calls the greeter until its answer contains this: an agent learns of others with its next heartbeat. */
async function greetingWith(text) {
  for (;;) {
    const { content } = await fleet.call('greet')
    if (content[0].text.includes(text)) return content[0].text
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

console.log('with a clock:', await greetingWith('noon'))
await clock.close()
console.log('without:', await greetingWith('without'))

await fleet.close()
await greeter.close()
