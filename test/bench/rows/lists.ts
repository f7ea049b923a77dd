import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Bench, ratioOf, type Row } from '../row.ts'

/** A file of `many` servers, each of the shape people write, every fifth with the tag `geo`. */
export function serversFile(many: number, prefix = 'server'): string {
  const servers: Record<string, unknown> = {}
  for (let at = 0; at < many; at += 1) {
    servers[`${prefix}-${at}`] = {
      command: 'python',
      args: ['-m', `server_${at}`],
      description: `Server number ${at} of the bench`,
      tags: [at % 5 === 0 ? 'geo' : 'other', `team-${at % 20}`],
      labels: { env: at % 3 === 0 ? 'prod' : 'test' },
    }
  }
  return JSON.stringify({ servers })
}

export async function until(seen: () => Promise<boolean>): Promise<void> {
  while (!(await seen())) await new Promise((resolve) => setTimeout(resolve, 20))
}

async function daemonWith(bench: Bench, many: number) {
  const folder = bench.folder()
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'servers.json'), serversFile(many))
  const daemon = await bench.daemon([folder])
  await until(
    async () => ((await (await fetch(`${daemon.url}/servers?limit=1`)).json()) as { total: number }).total === many,
  )
  return daemon
}

/** Compares one address of ours to a bare server that sends the same status, headers and bytes. */
function sameBytes(name: string, path: string, goal: number): Row {
  return {
    name,
    goal: `≥ ${goal.toFixed(2)} of bare node:http`,
    reaches: (value) => value >= goal,
    async measure(bench) {
      const daemon = await daemonWith(bench, 1000)
      const answer = await fetch(daemon.url + path, { headers: { 'accept-encoding': 'identity' } })
      const headers = Object.fromEntries(
        [...answer.headers].filter(([key]) => !['date', 'connection', 'keep-alive'].includes(key)),
      )
      const bare = await bench.peer('bytes.ts', { status: answer.status, headers, body: await answer.text() })
      const measured = await ratioOf(
        5,
        () => bench.load(daemon.url + path),
        () => bench.load(bare.url + path),
      )
      await Promise.all([daemon.stop(), bare.stop()])
      return measured
    },
  }
}

export const lists: readonly Row[] = [
  sameBytes('GET /servers?tag=geo, 1,000 servers', '/servers?tag=geo', 0.9),
  sameBytes('GET /servers/{id}', '/servers/server-7', 0.9),
]
