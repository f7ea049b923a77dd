import assert from 'node:assert/strict'
import type { startHere } from '../in-process-daemon.ts'

type Daemon = Pick<Awaited<ReturnType<typeof startHere>>, 'ask'>

/** A function of an agent, in the shape in which published agents send it. */
export const tool = (capability: string, more: object = {}) => ({
  function_name: `${capability}_function`,
  capability,
  version: '1.0.0',
  tags: [],
  dependencies: [],
  ...more,
})

/** A dependency of a function, in that shape. */
export const need = (capability: string, more: object = {}) => ({ capability, tags: [], version: '', ...more })

/** Registers an agent as published agents do; a second time renews its lease. */
export async function join(daemon: Daemon, id: string, tools: readonly object[], more: object = {}): Promise<void> {
  const body = {
    agent_id: id,
    agent_type: 'mcp_agent',
    name: id,
    version: '1.0.0',
    http_host: '127.0.0.1',
    http_port: 9090,
    timestamp: new Date().toISOString(),
    namespace: 'default',
    tools,
    ...more,
  }
  const { status, text } = await daemon.ask('POST', '/agents/register', body)
  assert.ok(status === 200 || status === 201, text)
}
