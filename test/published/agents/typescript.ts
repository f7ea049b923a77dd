/** An agent of our own library, with the options of `settings.py`: greets, relays through the capability `relay`, and pairs with the other one. */
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import * as z from 'zod'
import { createAgent } from '../../../src/client/agent/index.ts'

const { values } = parseArgs({
  options: {
    name: { type: 'string', default: 'agent' },
    port: { type: 'string', default: '0' },
    registry: { type: 'string' },
    version: { type: 'string', default: '1.0.0' },
    /** The capability that this agent offers to the other one, and the one that it takes. */
    offers: { type: 'string', default: 'left' },
    takes: { type: 'string', default: 'right' },
    wait: { type: 'boolean', default: false },
  },
})
const { name, version, offers, takes } = values
const who = z.object({ who: z.string() })

type Greeting = (args: { who: string }) => string

const agent = createAgent<{ relay: Greeting; partner: Greeting }>({
  id: `${name}-ts`,
  name,
  version,
  port: Number(values.port),
  health_interval: 1,
  ...(values.registry !== undefined && { roster: values.registry }),
  onEvent: (event) => void process.stdout.write(`${JSON.stringify(event)}\n`),
})
agent.tool(
  'greet',
  { schema: who, capability: 'greeting', version, tags: ['en'], description: 'Says hello.' },
  ({ who }) => `hello ${who} from ${name} ${version}`,
)
agent.tool('pair', { schema: who, capability: offers }, ({ who }) => `${who} met ${name}`)
agent.tool(
  'ask',
  { schema: who, dependencies: ['relay'] },
  async (args, { relay }) => (await relay?.(args)) ?? 'no relay',
)
agent.tool(
  'meet',
  { schema: who, dependencies: [{ capability: takes, as: 'partner' }] },
  async (args, { partner }) => (await partner?.(args)) ?? 'no partner',
)
if (values.wait) await once(process.stdin, 'data')
process.stdin.destroy()
await agent.start()
