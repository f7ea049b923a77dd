import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createWakeSignal } from '../../../src/flow/wake-signal.ts'
import type { Entry, Reading, Sighting, SourceError } from '../../../src/model/source.ts'
import { KubernetesConfig } from '../../../src/sources/kubernetes/config.ts'
import { openKubernetes } from '../../../src/sources/kubernetes/kubernetes.ts'
import type { Tuning } from '../../../src/sources/kubernetes/tuning.ts'
import type { KubeApi } from '../../fakes/kube-api.ts'

type Fields = Record<string, unknown>

/** Pauses that make a test quick; everything else is as usual. */
export const quickTuning: Partial<Tuning> = {
  quietMs: 10,
  maxDelayMs: 50,
  minRetryMs: 20,
  maxRetryMs: 200,
  permanentRetryMs: 100,
  maxSilenceMs: 500,
}

/** A kubeconfig file for the fake, in a directory of its own. */
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
    users: [{ name: 'someone', user }],
    contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'someone', ...context } }],
  }
  await writeFile(path, JSON.stringify(document))
  return { path, directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) }
}

export type ObservedCluster = Awaited<ReturnType<typeof observeCluster>>

/**
 * Runs the source against the fake, and keeps what it says as the registry would.
 *
 * `until` waits for a state of that; it never sleeps, and fails with what was there instead.
 */
export async function observeCluster(
  api: KubeApi,
  {
    config = {},
    habits = {},
    user,
    cluster,
    context,
    env = {},
    serviceAccount,
  }: {
    config?: Fields
    habits?: Partial<Tuning>
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
  let look = 0
  const wake = createWakeSignal({ signal: stop.signal, onTake: () => (look += 1) })
  const sightings: Sighting[] = []
  const looks: number[] = []
  const origins = new Map<string, { entries: readonly Entry[]; error?: SourceError }>()
  const ears = new Set<() => void>()
  const source = openKubernetes(
    KubernetesConfig.parse({ type: 'kubernetes', ...(kubeconfig && { kubeconfig: kubeconfig.path }), ...config }),
    { env },
    { habits: { ...quickTuning, ...habits }, ...(serviceAccount !== undefined && { serviceAccount }) },
  )
  let said: string | undefined
  let failure: unknown

  /** An origin that fails keeps its last good entries, as in the registry. */
  function note(reading: Reading): void {
    if ('entries' in reading) origins.set(reading.origin, { entries: reading.entries })
    else origins.set(reading.origin, { entries: origins.get(reading.origin)?.entries ?? [], error: reading.error })
  }

  function take(sighting: Sighting): void {
    sightings.push(sighting)
    looks.push(look)
    said = sighting.note
    if (sighting.type !== 'alive') apply(sighting)
    for (const go of ears) go()
  }

  function apply(sighting: Exclude<Sighting, { type: 'alive' }>): void {
    const named = new Set(sighting.readings.map(({ origin }) => origin))
    for (const reading of sighting.readings) note(reading)
    const gone =
      sighting.type === 'picture' ? [...origins.keys()].filter((origin) => !named.has(origin)) : sighting.gone
    for (const origin of gone) origins.delete(origin)
  }

  async function run(): Promise<void> {
    try {
      for await (const sighting of source({ signal: stop.signal, wake, push: take })) take(sighting)
    } catch (error) {
      failure = error
    }
    for (const go of ears) go()
  }
  const running = run()

  async function until(what: string, holds: () => boolean, ms = 20_000): Promise<void> {
    const late = Date.now() + ms
    while (!holds()) {
      if (failure !== undefined) throw failure
      if (Date.now() > late)
        assert.fail(`${what} did not happen within ${ms} ms: ${JSON.stringify([...origins], null, 1)} note: ${said}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(go, 25)
        function go() {
          clearTimeout(timer)
          ears.delete(go)
          resolve()
        }
        ears.add(go)
      })
    }
  }

  return {
    sightings,
    /** By sighting: how many looks had been asked for and begun before it. */
    looks,
    origins,
    until,
    wake,
    note: () => said,
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
