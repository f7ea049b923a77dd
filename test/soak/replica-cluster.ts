import { writeFileSync } from 'node:fs'
import { type Running, start, temporary, until } from '../e2e/daemon-process.ts'
import { startTcpProxy } from '../fakes/tcp-proxy.ts'

export type Cluster = Awaited<ReturnType<typeof openCluster>>
export type Member = Awaited<ReturnType<typeof openMember>>

/** A write's outcome: `failed` was not carried out, `unknown` may have been. */
export type WriteOutcome = 'done' | 'failed' | 'unknown'

/** Several real daemons on one database, each through a proxy of its own. They can be killed, started again and cut off. */
export async function openCluster({ size = 3, ...options }: ClusterOptions) {
  await using stack = new AsyncDisposableStack()
  const members: Member[] = []
  for (let index = 0; index < size; index += 1) members.push(stack.use(await openMember(options)))
  const owned = stack.move()
  return {
    members,
    /** Leads all daemons to another database server. */
    swap: (to: string) => {
      for (const { proxy } of members) proxy.swap(Number(new URL(to).port))
    },
    /** A daemon that knows nothing but the database. */
    fresh: () => openMember(options),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

type ClusterOptions = {
  readonly type: 'postgres' | 'mysql'
  /** Of the database. */
  readonly url: string
  readonly size?: number
  /** Sources in front of the agents. */
  readonly sources?: string
  /** More lines of the daemons' configuration. */
  readonly config?: string
}

async function openMember({ type, url, sources = '', config = '' }: Omit<ClusterOptions, 'size'>) {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(temporary())
  const proxy = stack.use(await startTcpProxy(Number(new URL(url).port)))
  const through = new URL(url)
  through.port = String(proxy.port)
  const store = `{ type: ${type}, url: '${String(through)}', timeout: 2 }`
  writeFileSync(folder.at('config.yaml'), `sources: [${sources}{ type: agents }]\nstore: ${store}\n${config}`)
  const begin = async () => {
    const begun = await start(['--config', folder.at('config.yaml')], { home: folder.path })
    await until(async () => (await begun.get('/agents')).status === 200)
    return begun
  }
  let daemon: Running | undefined = await begin()
  stack.defer(() => daemon?.[Symbol.asyncDispose]())
  const owned = stack.move()

  async function write(method: string, path: string, body?: object): Promise<WriteOutcome> {
    if (!daemon) return 'failed'
    try {
      const headers = { 'content-type': 'application/json' }
      const init = body ? { method, body: JSON.stringify(body), headers } : { method }
      const answer = await fetch(daemon.url + path, { ...init, signal: AbortSignal.timeout(20_000) })
      await answer.arrayBuffer()
      if (answer.ok || (method === 'DELETE' && answer.status === 404)) return 'done'
      // A connection that broke at the wrong moment leaves open whether the write took effect.
      return answer.status === 503 || answer.status === 500 ? 'unknown' : 'failed'
    } catch {
      return 'unknown'
    }
  }

  return {
    proxy,
    daemon: () => daemon,
    isUp: () => daemon !== undefined,
    write,
    json: async <T>(path: string): Promise<T> => {
      if (!daemon) throw new Error('the daemon is down')
      return daemon.json<T>(path)
    },
    kill: async () => {
      const killed = daemon
      daemon = undefined
      await killed?.[Symbol.asyncDispose]()
    },
    restart: async () => void (daemon ??= await begin()),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
