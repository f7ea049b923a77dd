import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createWakeSignal } from '../../../src/flow/wake-signal.ts'
import type { Entry, Reading, Sighting, SourceError } from '../../../src/model/source.ts'
import { KubernetesConfig } from '../../../src/sources/kubernetes/config.ts'
import { openKubernetes } from '../../../src/sources/kubernetes/kubernetes.ts'
import type { KubeTuning } from '../../../src/sources/kubernetes/tuning.ts'
import type { KubeApi } from '../../fakes/kube-api.ts'

type Fields = Record<string, unknown>

/** Short intervals for tests; everything else keeps its default. */
export const quickTuning: Partial<KubeTuning> = {
  quietMs: 10,
  maxDelayMs: 50,
  minRetryMs: 20,
  maxRetryMs: 200,
  permanentRetryMs: 100,
  maxSilenceMs: 500,
}

/** Writes a kubeconfig for the fake API server into a temporary directory. */
export async function kubeconfigFor(
  api: Pick<KubeApi, 'url'>,
  { user = {}, cluster = {}, context = {} }: Record<string, Fields> = {},
) {
  const directory = await mkdtemp(join(tmpdir(), 'roster-kube-'))
  const path = join(directory, 'config')
  const document = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'fake',
    clusters: [{ name: 'fake', cluster: { server: api.url, ...cluster } }],
    users: [{ name: 'tester', user }],
    contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'tester', ...context } }],
  }
  await writeFile(path, JSON.stringify(document))
  return { path, directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) }
}

export type ObservedCluster = Awaited<ReturnType<typeof observeCluster>>

/**
 * Runs the source against the fake API server, and applies its sightings as the registry does.
 *
 * `until` waits for a state, without sleeping, and fails with the state it found instead.
 */
export async function observeCluster(
  api: KubeApi,
  {
    config = {},
    tuning = {},
    user,
    cluster,
    context,
    env = {},
    serviceAccount,
  }: {
    config?: Fields
    tuning?: Partial<KubeTuning>
    user?: Fields
    cluster?: Fields
    context?: Fields
    env?: Record<string, string>
    serviceAccount?: string
  } = {},
) {
  const parts = { ...(user && { user }), ...(cluster && { cluster }), ...(context && { context }) }
  const kubeconfig = serviceAccount === undefined ? await kubeconfigFor(api, parts) : undefined
  const stop = new AbortController()
  let refreshes = 0
  const wake = createWakeSignal({ signal: stop.signal, onTake: () => (refreshes += 1) })
  const sightings: Sighting[] = []
  const refreshCounts: number[] = []
  const origins = new Map<string, { entries: readonly Entry[]; error?: SourceError }>()
  const listeners = new Set<() => void>()
  const source = openKubernetes(
    KubernetesConfig.parse({ type: 'kubernetes', ...(kubeconfig && { kubeconfig: kubeconfig.path }), ...config }),
    { env },
    { tuning: { ...quickTuning, ...tuning }, ...(serviceAccount !== undefined && { serviceAccount }) },
  )
  let lastNote: string | undefined
  let failure: unknown

  /** A failing origin keeps its last good entries, as in the registry. */
  function store(reading: Reading): void {
    if ('entries' in reading) origins.set(reading.origin, { entries: reading.entries })
    else origins.set(reading.origin, { entries: origins.get(reading.origin)?.entries ?? [], error: reading.error })
  }

  function receive(sighting: Sighting): void {
    sightings.push(sighting)
    refreshCounts.push(refreshes)
    lastNote = sighting.note
    if (sighting.type !== 'alive') apply(sighting)
    for (const notify of listeners) notify()
  }

  function apply(sighting: Exclude<Sighting, { type: 'alive' }>): void {
    const present = new Set(sighting.readings.map(({ origin }) => origin))
    for (const reading of sighting.readings) store(reading)
    const gone =
      sighting.type === 'picture' ? [...origins.keys()].filter((origin) => !present.has(origin)) : sighting.gone
    for (const origin of gone) origins.delete(origin)
  }

  async function run(): Promise<void> {
    try {
      for await (const sighting of source({ signal: stop.signal, wake, push: receive })) receive(sighting)
    } catch (error) {
      failure = error
    }
    for (const notify of listeners) notify()
  }
  const running = run()

  async function until(state: string, holds: () => boolean, ms = 20_000): Promise<void> {
    const deadline = Date.now() + ms
    while (!holds()) {
      if (failure !== undefined) throw failure
      if (Date.now() > deadline)
        assert.fail(`${state}: not reached within ${ms} ms: ${JSON.stringify([...origins], null, 1)} note: ${lastNote}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(notify, 25)
        function notify() {
          clearTimeout(timer)
          listeners.delete(notify)
          resolve()
        }
        listeners.add(notify)
      })
    }
  }

  return {
    sightings,
    /** For each sighting, the number of refreshes begun before it. */
    refreshCounts,
    origins,
    until,
    wake,
    note: () => lastNote,
    failure: () => failure,
    names: () => [...origins.values()].flatMap(({ entries }) => entries.map(nameOf)).toSorted(),
    entries: (origin: string) => origins.get(origin)?.entries ?? [],
    error: (origin: string) => origins.get(origin)?.error,
    running,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
      await kubeconfig?.[Symbol.asyncDispose]()
    },
  }
}

function nameOf(entry: object): string {
  if ('problem' in entry) return `problem: ${String(entry.problem)}`
  return 'value' in entry ? String((entry.value as { name?: unknown }).name) : '?'
}

export function service(
  name: string,
  { labels = { 'mcp-server': 'true' }, annotations = {}, namespace = 'prod', ...spec }: Fields = {},
) {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name,
      namespace: namespace as string,
      labels: labels as Record<string, string>,
      annotations: annotations as Record<string, string>,
    },
    spec: { type: 'ClusterIP', clusterIP: '10.0.0.1', ports: [{ name: 'http', port: 80, protocol: 'TCP' }], ...spec },
  }
}

export function configMap(
  name: string,
  data: Record<string, string>,
  { namespace = 'prod', labels = { 'mcp-server-config': 'true' } } = {},
) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, labels }, data }
}

export function slice(
  name: string,
  {
    of = name,
    ready = ['10.1.0.1'],
    notReady = [],
    namespace = 'prod',
    ...rest
  }: { of?: string; ready?: string[]; notReady?: string[]; namespace?: string; [field: string]: unknown } = {},
) {
  const endpoint = (isReady: boolean) => (address: string) => ({
    addresses: [address],
    conditions: { ready: isReady },
    targetRef: { kind: 'Pod', name: `pod-${address.replaceAll(/[.:]/g, '-')}` },
  })
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace, labels: { 'kubernetes.io/service-name': of } },
    addressType: 'IPv4',
    endpoints: [...ready.map(endpoint(true)), ...notReady.map(endpoint(false))],
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    ...rest,
  }
}
