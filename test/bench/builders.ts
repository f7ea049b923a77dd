import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sendAll } from './burst.ts'

/** A realistic server definition; every fifth has the tag `geo`. */
export function serverMade(at: number): Record<string, unknown> {
  return {
    command: 'python',
    args: ['-m', `server_${at}`],
    description: `Server number ${at} of the bench`,
    tags: [at % 5 === 0 ? 'geo' : 'other', `team-${at % 20}`],
    labels: { env: at % 3 === 0 ? 'prod' : 'test', region: `region-${at % 7}` },
    capabilities: [`capability-${at % 200}`],
  }
}

/** A file of `many` such servers. */
export function serversFile(many: number, prefix = 'server', from = 0): string {
  const servers: Record<string, unknown> = {}
  for (let at = from; at < from + many; at += 1) servers[`${prefix}-${at}`] = serverMade(at)
  return JSON.stringify({ servers })
}

/** Files of a thousand servers each. */
export function writeServers(folder: string, many: number): void {
  for (let from = 0; from < many; from += 1000) {
    writeFileSync(join(folder, `${from}.json`), serversFile(Math.min(1000, many - from), 'server', from))
  }
}

/** A registration; a different `round` of the same agent is a change. */
export function agentMade(at: number, round = 0): string {
  const metadata = {
    name: `agent-${at}`,
    agent_type: 'mesh-agent',
    namespace: 'default',
    endpoint: `http://agent-${at}.mesh.example:8080/mcp`,
    version: `1.${round}.0`,
    description: `Agent number ${at} of the bench, which does one of a thousand things`,
    labels: { team: `team-${at % 20}`, env: at % 3 === 0 ? 'prod' : 'test' },
    tags: [`team-${at % 20}`],
    capabilities: [
      { name: `capability-${at % 1000}`, version: '1.2.0', category: 'bench', stability: 'stable', tags: ['a', 'b'] },
      { name: `other-${at % 97}`, version: '2.0.0', category: 'bench' },
    ],
  }
  return JSON.stringify({ agent_id: `agent-${at}`, metadata, timestamp: '2026-01-01T00:00:00Z' })
}

export const registering = '/agents/register_with_metadata'

export function beatMade(at: number): string {
  return JSON.stringify({ agent_id: `agent-${at}` })
}

/** Registers `many` agents with one heartbeat each, so that later heartbeats change no status. */
export async function registerAgents(url: string, many: number): Promise<{ ms: number; each: number[] }> {
  const numbers = Array.from({ length: many }, (_, at) => at)
  const sent = await sendAll(
    url,
    numbers.map((at) => ({ method: 'POST', path: registering, body: agentMade(at) })),
  )
  await sendAll(
    url,
    numbers.map((at) => ({ method: 'POST', path: '/heartbeat', body: beatMade(at) })),
  )
  return sent
}
