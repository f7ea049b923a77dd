import { setTimeout as pause } from 'node:timers/promises'
import type { createRandom } from '../random.ts'
import type { Cluster, WriteOutcome } from './replica-cluster.ts'

type Random = ReturnType<typeof createRandom>

/** The version of a server or an agent; undefined where there is none. */
type State = string | undefined

type Key = {
  readonly kind: 'manual' | 'agent'
  readonly name: string
  /** What may be stored: the last acknowledged state, and those of later writes whose outcome is unknown. */
  possible: Set<State>
  isBusy: boolean
  /** Its last writes, for the message of a violation. */
  history: string[]
}

/**
 * How long a write whose outcome is unknown may still take effect, in ms: its transaction ends with its connection. Its name rests
 * until then, since a later write may find the state before it.
 */
const unknownMs = 6000

/**
 * Random writes to any daemon of a cluster, and what may be stored afterwards. Writes of one name follow each other; those of
 * different names run side by side.
 */
export function createWriteModel({ cluster, random, names }: { cluster: Cluster; random: Random; names: number }) {
  const keys = Array.from({ length: names }, (_, at): Key => {
    return {
      kind: at % 2 ? 'agent' : 'manual',
      name: `key-${at}`,
      possible: new Set([undefined]),
      isBusy: false,
      history: [],
    }
  })
  const counts = { writes: 0, done: 0, failed: 0, unknown: 0 }

  async function writeOne(): Promise<void> {
    const free = keys.filter(({ isBusy }) => !isBusy)
    if (free.length === 0) {
      await pause(100)
      return writeOne()
    }
    const key = random.pick(free)
    const member = random.pick(cluster.members.filter(({ isUp }) => isUp()))
    key.isBusy = true
    counts.writes += 1
    // Repetitions matter: a short cut may take them for what is stored.
    const state: State = random.chance(0.3) ? undefined : `1.0.${random.below(4)}`
    const begun = performance.now()
    const outcome = await send(member, key, state)
    const took = `${Math.round(begun)}+${Math.round(performance.now() - begun)} ms`
    key.history = [...key.history, `${state} at ${cluster.members.indexOf(member)} ${outcome} ${took}`].slice(-6)
    counts[outcome] += 1
    if (outcome === 'done') key.possible = new Set([state])
    if (outcome === 'unknown') key.possible.add(state)
    if (outcome === 'unknown') setTimeout(() => (key.isBusy = false), unknownMs)
    else key.isBusy = false
  }

  /** Runs `total` writes, `parallel` at a time. */
  async function run(total: number, parallel: number): Promise<void> {
    let left = total
    const work = async () => {
      while ((left -= 1) >= 0) await writeOne()
    }
    await Promise.all(Array.from({ length: parallel }, work))
  }

  /** What a daemon shows and must not. */
  function violations(shown: ReadonlyMap<string, string>): string[] {
    return keys.flatMap(({ name, possible, history }) => {
      const state = shown.get(name)
      return possible.has(state)
        ? []
        : `${name} is ${state}, but was stored as ${[...possible].join(' or ')}: ${history.join(', ')}`
    })
  }

  return { run, violations, counts }
}

function send(member: Cluster['members'][number], { kind, name }: Key, version: State): Promise<WriteOutcome> {
  if (kind === 'agent') {
    if (version === undefined) return member.write('DELETE', `/agents/${name}`)
    return member.write('POST', '/agents', { id: name, version })
  }
  if (version === undefined) return member.write('DELETE', `/servers/default/${name}`)
  return member.write('PUT', `/servers/default/${name}`, {
    url: 'http://manual.example/mcp',
    health_check: 'none',
    version,
  })
}

/** The servers and agents of a daemon, by name: their versions. */
export async function shownBy(member: Pick<Cluster['members'][number], 'json'>): Promise<Map<string, string>> {
  const { servers } = await member.json<{ servers: { name: string; version: string }[] }>('/servers')
  return new Map(servers.map(({ name, version }) => [name, version]))
}

/** A watcher of `/servers` that checks each event against what it has seen: nothing twice, nothing missing. */
export function watchExactlyOnce(member: Pick<Cluster['members'][number], 'daemon' | 'json'>, problems: string[]) {
  const stop = new AbortController()
  let seen = new Map<string, string>()
  const counts = { events: 0, connections: 0 }

  function take({ type, server }: { type: string; server?: { name: string; version: string } }): void {
    counts.events += 1
    if (type === 'RESYNC') seen = new Map()
    if (!server) return
    const json = JSON.stringify(server)
    const before = seen.get(server.name)
    if ((type === 'ADDED') === (before !== undefined)) problems.push(`${type} of ${server.name} with ${before}`)
    if (type === 'MODIFIED' && before === json) problems.push(`${server.name} is modified twice: ${json}`)
    if (type === 'DELETED') seen.delete(server.name)
    else seen.set(server.name, json)
  }

  async function follow(): Promise<void> {
    seen = new Map()
    const answer = await fetch(`${member.daemon()?.url}/servers?watch=true`, { signal: stop.signal })
    if (!answer.ok || !answer.body) return
    counts.connections += 1
    let rest = ''
    for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line !== '') take(JSON.parse(line) as Parameters<typeof take>[0])
    }
  }

  const following = (async () => {
    while (!stop.signal.aborted) {
      await follow().catch(() => {}) // the daemon was killed
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })()

  return {
    counts,
    seen: () => new Map([...seen].map(([name, json]) => [name, (JSON.parse(json) as { version: string }).version])),
    close: async () => {
      stop.abort()
      await following
    },
  }
}
