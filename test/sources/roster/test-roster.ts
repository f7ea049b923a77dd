import { WatchConfig } from '../../../src/api/config/watch.ts'
import { createWatch } from '../../../src/api/watch/watch.ts'
import { openHttpClient } from '../../../src/outbound/http-client.ts'
import { createChangeLog } from '../../../src/registry/change-log.ts'
import { roster } from '../../../src/sources/roster/roster.ts'
import { type Before, parts, serve } from '../../api/served.ts'
import { createTestRegistry, type ServerFields } from '../../roster.ts'
import { toolsWith } from '../source-tools.ts'

export type Far = Awaited<ReturnType<typeof openFar>>

/** Another roster on loopback: the real API and the real watch before a registry that the test moves by hand. */
export async function openFar({
  servers = [],
  instance = 'far',
  token,
  front,
}: { servers?: readonly ServerFields[]; instance?: string; token?: string; front?: Before } = {}) {
  let moved = createTestRegistry({ epoch: 'first' })
  moved.put(...servers)
  let isReady = true
  let port = 0
  let life = await live()
  const asked: string[] = []

  async function live() {
    const { registry } = moved
    const watch = createWatch({
      registry,
      changeLog: createChangeLog({ registry }),
      limits: () => WatchConfig.parse({}),
      onError: (error) => {
        throw error
      },
    })
    const known = parts(moved)
    const api = await serve({
      listen: { port },
      ...(token !== undefined && {
        tokens: [{ name: 'admin', token, role: 'admin', secrets: false }],
        anonymous: 'none',
      }),
      parts: {
        ...known,
        instance: () => instance,
        supervisor: { ...known.supervisor, ready: () => isReady },
        watch: { ...known.watch, servers: watch.servers },
      },
      before: (request, response) => {
        asked.push(request.url ?? '')
        return front?.(request, response) ?? false
      },
    })
    port = api.port
    return { watch, api }
  }

  async function stop(): Promise<void> {
    await life.watch.close()
    await life.api[Symbol.asyncDispose]()
  }

  return {
    url: life.api.url,
    asked,
    watchers: () => life.watch.counts().watchers,
    put: (...some: ServerFields[]) => moved.put(...some),
    drop: (...names: string[]) => moved.drop(...names),
    change: (put: readonly ServerFields[], drop: readonly string[]) => moved.change(put, drop),
    ready: (is: boolean) => void (isReady = is),
    stop,
    start: async () => void (life = await live()),
    /** Another life with other servers, at the same address. */
    restart: async (next: readonly ServerFields[]) => {
      await stop()
      moved = createTestRegistry({ epoch: `life${Math.random()}`.replace('.', '') })
      moved.put(...next)
      life = await live()
    },
    [Symbol.asyncDispose]: stop,
  }
}

/** The source that follows it, with an HTTP client of its own. */
export function sourceFor(
  config: Readonly<Record<string, unknown>>,
  { isOwnInstance = (instance: string) => instance === 'here' }: { isOwnInstance?: (instance: string) => boolean } = {},
) {
  const httpClient = openHttpClient()
  const source = roster.open(
    roster.config.parse({ type: 'roster', ...config }),
    toolsWith({ httpClient, isOwnInstance }),
  )
  return { source, httpClient }
}
