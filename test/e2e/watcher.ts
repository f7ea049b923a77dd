import { matching } from '../../src/model/query/matching.ts'
import { parseQuery } from '../../src/model/query/query-parser.ts'
import type { Server } from '../../src/model/server.ts'
import { ask, follow, type Follower, type WatchEvent } from '../api/watch/watch-server.ts'
import type { createRandom } from '../random.ts'

type Random = ReturnType<typeof createRandom>
export type Known = ReadonlyMap<string, string>

export type Spelling = 'sse' | 'lines' | 'poll'

/** The events of all watchers, for comparison with one another. */
export type Ledger = ReturnType<typeof createLedger>
export type WildWatcher = ReturnType<typeof createWildWatcher>

/** Maximum revisions kept for comparison; an older token is not compared. */
const mostTokens = 4000

/** The servers that match a filter. */
export function filtered(known: Known, filter: string): Known {
  const parsed = parseQuery(new URLSearchParams(filter))
  if ('problem' in parsed) throw new Error(parsed.problem.detail)
  const holds = matching(parsed.query)
  return new Map([...known].filter(([, json]) => holds(JSON.parse(json) as Server)))
}

function difference(one: Known, other: Known): string {
  const ids = [...new Set([...one.keys(), ...other.keys()])].filter((id) => one.get(id) !== other.get(id))
  return ids.map((id) => `${id}: ${one.get(id) ?? 'not there'} against ${other.get(id) ?? 'not there'}`).join('; ')
}

/** Each token has one state, for every watcher and filter. */
export function createLedger(problems: string[]) {
  const whole = new Map<string, Known>()
  const waiting = new Map<string, { filter: string; known: Known; who: string }[]>()
  const counts = { compared: 0 }

  function note(token: string, { filter, known, who }: { filter: string; known: Known; who: string }): void {
    const reference = whole.get(token)
    if (reference) return compare(token, { filter, known, who }, reference)
    const one = { filter, known: new Map(known), who }
    if (filter !== '') return void waiting.set(token, [...(waiting.get(token) ?? []), one])
    whole.set(token, one.known)
    if (whole.size > mostTokens) for (const oldest of [...whole.keys()].slice(0, mostTokens / 2)) whole.delete(oldest)
    if (waiting.size > mostTokens) waiting.clear()
    for (const early of waiting.get(token) ?? []) compare(token, early, one.known)
    waiting.delete(token)
  }

  function compare(
    token: string,
    { filter, known, who }: { filter: string; known: Known; who: string },
    reference: Known,
  ): void {
    counts.compared += 1
    const wrong = difference(known, filter === '' ? reference : filtered(reference, filter))
    if (wrong !== '') problems.push(`${who} at ${token}: ${wrong.slice(0, 1000)}`)
  }

  return { note, counts, tokens: () => whole.size }
}

/**
 * A watcher that pauses, disconnects and resumes at random. It applies and validates its events, and compares them with those of
 * all other watchers.
 */
export function createWildWatcher({
  random,
  ledger,
  problems,
  port,
  filter,
  spelling,
}: {
  random: Random
  ledger: Ledger
  problems: string[]
  port: number
  filter: string
  spelling: Spelling
}) {
  const who = `${spelling} ${filter || 'everything'}`
  /** State up to the last token, and the events since: an incomplete revision is discarded. */
  let sure: Known = new Map()
  let known = new Map<string, string>()
  let token: string | undefined
  let beginning = true
  let follower: Follower | undefined
  let connection: symbol | undefined
  const counts = { events: 0, resyncs: 0, cuts: 0, resumes: 0, refused: 0 }

  const fail = (what: string) => void problems.push(`${who}: ${what}`)

  function take({ type, token: now, server }: WatchEvent): void {
    counts.events += 1
    if (type === 'RESYNC') {
      counts.resyncs += 1
      forget()
    } else if (type === 'CLOSED') counts.cuts += 1
    else if (server) change(type, `${String(server['namespace'])}/${server.name}`, JSON.stringify(server))
    if (now === undefined) return
    if (beginning && type !== 'BOOKMARK') fail(`${type} has a token in the picture`)
    beginning = false
    settle(now)
  }

  function change(type: string, id: string, json: string): void {
    if (type === 'ADDED' && known.has(id)) fail(`${id} is added twice`)
    if (type !== 'ADDED' && beginning) fail(`${type} ${id} in the picture`)
    if (type !== 'ADDED' && !known.has(id)) fail(`${type} ${id}, which is not there`)
    if (type === 'DELETED') known.delete(id)
    else known.set(id, json)
  }

  function settle(now: string): void {
    if (token !== undefined && epochOf(token) === epochOf(now) && numberOf(now) < numberOf(token))
      fail(`${now} after ${token}`)
    token = now
    sure = new Map(known)
    ledger.note(now, { filter, known: sure, who })
  }

  function forget(): void {
    known = new Map()
    sure = known
    token = undefined
    beginning = true
  }

  async function connect(): Promise<void> {
    disconnect()
    const mine = (connection = Symbol('connection'))
    const asked = await (spelling === 'poll' ? pollFor(mine) : streamFor(mine)).catch(() => undefined)
    if (connection !== mine) asked?.close()
    else if (asked?.status === 200) follower = asked
    else counts.refused += 1
  }

  async function streamFor(mine: symbol): Promise<Follower> {
    const path = `${spelling === 'sse' ? '/servers/watch?' : '/servers?watch=true&'}${filter}`
    const inHeader = random.chance(0.5)
    if (token === undefined) forget()
    else counts.resumes += 1
    const target = token === undefined || inHeader ? path : `${path}&resource_version=${token}`
    // Ignores what an abandoned connection still had buffered.
    const hear = (event: WatchEvent) => void (connection === mine && take(event))
    return follow(port, target, token !== undefined && inHeader ? { 'last-event-id': token } : {}, hear)
  }

  /** Opens a watch and applies its events until the connection is abandoned. */
  async function pollFor(mine: symbol): Promise<undefined> {
    if (token !== undefined) counts.resumes += 1
    void (async () => {
      for (;;) if (!(token === undefined ? await list(mine) : await next(mine))) break
      if (connection === mine) connection = undefined
    })()
    return undefined
  }

  async function list(mine: symbol): Promise<boolean> {
    const answer = await ask(port, `/servers?${filter}`).catch(() => undefined)
    if (answer?.status !== 200 || connection !== mine) return false
    const { servers, resource_version } = answer.json() as { servers: WatchEvent['server'][]; resource_version: string }
    forget()
    for (const server of servers) known.set(`${String(server?.['namespace'])}/${server?.name}`, JSON.stringify(server))
    beginning = false
    settle(resource_version)
    return true
  }

  async function next(mine: symbol): Promise<boolean> {
    const answer = await ask(port, `/servers?${filter}&wait=1s&index=${token}`).catch(() => undefined)
    if (connection !== mine || !answer) return false
    if (answer.status === 410) {
      counts.resyncs += 1
      forget()
      return true
    }
    if (answer.status !== 200) return false
    const { events, resource_version } = answer.json() as { events: WatchEvent[]; resource_version: string }
    for (const { token: _each, ...event } of events) take(event)
    settle(resource_version)
    return true
  }

  function disconnect(): void {
    follower?.close()
    follower = undefined
    connection = undefined
    known = new Map(sure)
  }

  return {
    who,
    filter,
    counts,
    connect,
    disconnect,
    pause: () => void follower?.response.pause(),
    resume: () => void follower?.response.resume(),
    isGone: () => (spelling === 'poll' ? connection === undefined : follower === undefined || follower.ended()),
    known: (): Known => known,
    token: () => token,
  }
}

const epochOf = (token: string) => token.replace(/-\d+$/, '')
const numberOf = (token: string) => Number(/\d+$/.exec(token)?.[0])
