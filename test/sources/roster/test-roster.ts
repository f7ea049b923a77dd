import { WatchConfig } from '../../../src/api/config/watch.ts'
import { createWatch } from '../../../src/api/watch/watch.ts'
import type { SourceStatus } from '../../../src/model/status.ts'
import { openHttpClient } from '../../../src/outbound/http-client.ts'
import { createChangeLog } from '../../../src/registry/change-log.ts'
import { roster } from '../../../src/sources/roster/roster.ts'
import { type Before, parts, serve } from '../../api/served-api.ts'
import { createTestRegistry, type ServerFields } from '../../test-registry.ts'
import { toolsWith } from '../source-tools.ts'

const unreadSource = {
  type: 'http',
  state: 'starting' as const,
  servers: 0,
  shadowed: 0,
  rejected: 0,
  origins: [],
  rejections: [],
  consecutive_failures: 1,
  restarts: 0,
} satisfies Omit<SourceStatus, 'name'>

export type TestRoster = Awaited<ReturnType<typeof openTestRoster>>

/** Another roster on loopback: the real API and the real watch of a registry that the test changes. */
export async function openTestRoster({
  servers = [],
  instance = 'remote',
  token,
  front,
}: { servers?: readonly ServerFields[]; instance?: string; token?: string; front?: Before } = {}) {
  let testRegistry = createTestRegistry({ epoch: 'first' })
  testRegistry.put(...servers)
  let isReady = true
  let unread: readonly string[] = []
  const sources = () => unread.map((name) => ({ ...unreadSource, name }))
  let port = 0
  let life = await live()
  const requests: string[] = []

  async function live() {
    const { registry } = testRegistry
    const watch = createWatch({
      registry,
      changeLog: createChangeLog({ registry }),
      limits: () => WatchConfig.parse({}),
      onError: (error) => {
        throw error
      },
    })
    const apiParts = parts(testRegistry)
    const api = await serve({
      listen: { port },
      ...(token !== undefined && {
        tokens: [{ name: 'admin', token, role: 'admin', secrets: false }],
        anonymous: 'none',
      }),
      parts: {
        ...apiParts,
        instance: () => instance,
        supervisor: { ...apiParts.supervisor, ready: () => isReady, sources, syncing: () => [...unread] },
        watch: { ...apiParts.watch, servers: watch.servers },
      },
      before: (request, response) => {
        requests.push(request.url ?? '')
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
    requests,
    watchers: () => life.watch.counts().watchers,
    put: (...some: ServerFields[]) => testRegistry.put(...some),
    drop: (...names: string[]) => testRegistry.drop(...names),
    change: (put: readonly ServerFields[], drop: readonly string[]) => testRegistry.change(put, drop),
    ready: (is: boolean) => void (isReady = is),
    /** Names the sources that the other roster could not read since its start. */
    unread: (...names: string[]) => void (unread = names),
    stop,
    start: async () => void (life = await live()),
    /** Restarts with other servers and another epoch, at the same address. */
    restart: async (next: readonly ServerFields[]) => {
      await stop()
      testRegistry = createTestRegistry({ epoch: `life${Math.random()}`.replace('.', '') })
      testRegistry.put(...next)
      life = await live()
    },
    [Symbol.asyncDispose]: stop,
  }
}

/** The source that follows the test roster, with an HTTP client of its own. */
export function openRosterSource(
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
