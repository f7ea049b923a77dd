import { type Attack, onConnections, type Target } from './attack.ts'

const json = { 'content-type': 'application/json' }

async function register({ url }: Target, id: string, annotations: Record<string, string>): Promise<void> {
  const agent = { id, name: id, endpoint: `http://10.0.0.1:9/${id}`, annotations }
  const response = await fetch(`${url}/agents`, { method: 'POST', headers: json, body: JSON.stringify(agent) })
  await response.arrayBuffer() // Beyond the budget it is a 429.
}

/** Reads a response to its end, unless the daemon cuts it. */
async function read(url: string): Promise<void> {
  try {
    await (await fetch(url)).arrayBuffer()
  } catch {
    // Cut: others had stopped reading before.
  }
}

async function unregister({ url }: Target, ids: readonly string[]): Promise<void> {
  for (const id of ids) await fetch(`${url}/agents/${id}`, { method: 'DELETE' })
}

/** What patterns of secrets begin with and never end; as much as an annotation is matched in, and more. */
const pieces = ['\n', 'eyJ-', 'a://b:', 'x-key ', '--token ', '-pA1 ', '#0123456789abcdefA', 'a: |\n', '"a":"', '%%']

const slowTexts: Attack = {
  name: 'texts',
  what: 'agents with texts that are slow to redact register again and again, and are listed',
  async run(target, over) {
    const ids = pieces.map((_, index) => `slow-${index}`)
    for (let round = 0; !over.aborted; round += 1) {
      for (const [index, piece] of pieces.entries()) {
        const fill = (characters: number) => `a:${round}${piece.repeat(characters / piece.length)}`
        await register(target, `slow-${index}`, { a: fill(60_000), b: fill(60_000), c: fill(126_000) })
        if (over.aborted) break
        for (const path of ['/agents', `/agents/slow-${index}`, '/servers?fields=annotations'])
          await read(target.url + path)
      }
    }
    await unregister(target, ids)
  },
}

const largeAgents: Attack = {
  name: 'agents',
  what: '1,000 agents of 194 kB register, and 60 connections request them all, unread',
  async run(target, over) {
    const text = 'x'.repeat(64_000)
    const ids = Array.from({ length: 1000 }, (_, index) => `large-${index}`)
    const registering = (async () => {
      for (const id of ids) {
        if (over.aborted) return
        await register(target, id, { a: text + id, b: text + id, c: text + id })
      }
    })()
    await onConnections(target, over, 60, async (socket, index) => {
      socket.pause()
      const path = ['/agents', '/servers', '/servers?view=full', '/discover'][index % 4] as string
      socket.write(
        `GET ${path}${path.includes('?') ? '&' : '?'}${path === '/discover' ? '' : `limit=${1000 + index}`} HTTP/1.1\r\nhost: localhost\r\n\r\n`,
      )
    })
    await registering
    await unregister(target, ids)
  },
}

/** What clients that may register agents can do. */
export const registrationAttacks: readonly Attack[] = [slowTexts, largeAgents]
