import { createDebounce } from '../../../flow/debounce.ts'
import { createWakeSignal } from '../../../flow/wake-signal.ts'
import type { Sighting, SourceError, SourceRun } from '../../../model/source.ts'
import type { KubernetesConfig } from '../config.ts'
import { monitorConnection } from '../connection/connection-health.ts'
import type { KubeCredentials } from '../connection/credentials.ts'
import { createKubeClient } from '../connection/kube-client.ts'
import { createRequestLimiter } from '../connection/request-limiter.ts'
import type { KubeTuning } from '../tuning.ts'
import { createReadingBuilder } from './reading-builder.ts'
import { createReflectors } from './reflectors.ts'
import { createSightingBuilder } from './sighting-builder.ts'

type ClusterWatch = {
  readonly config: KubernetesConfig
  readonly credentials: KubeCredentials
  readonly tuning: KubeTuning
  readonly run: SourceRun
}

/** Yields the sightings of a cluster until the signal aborts: lists once, then follows changes, across all outages. */
export async function* watchCluster({ config, credentials, tuning, run }: ClusterWatch): AsyncGenerator<Sighting> {
  const stop = new AbortController()
  const signal = AbortSignal.any([run.signal, stop.signal])
  const client = createKubeClient({ credentials, tuning })
  const limiter = createRequestLimiter(tuning)
  const update = createWakeSignal({ signal })
  let isRefreshing = false
  let isRefreshed = false
  // While a list is not read yet nothing is yielded, so that removals appear in a picture.
  let lists = 0
  let readLists = 0
  let fatal: unknown

  const debounce = createDebounce({
    act: () => rebuild().catch(fail),
    quietMs: tuning.quietMs,
    maxMs: tuning.maxDelayMs,
  })
  const reflectors = createReflectors({
    config,
    ownNamespace: credentials.namespace,
    client,
    limiter,
    tuning,
    signal,
    onReplaced: (kind) => {
      readingBuilder.markAllChanged(kind)
      lists++
      debounce.trigger()
    },
    onChanged: (kind, key) => {
      readingBuilder.markChanged(kind, key)
      debounce.trigger()
    },
    onState: (kind, namespace) => {
      sightingBuilder.markReflectorChanged({ kind, namespace })
      update.raise()
    },
  })
  const readingBuilder = createReadingBuilder({ config, reflectors })
  const sightingBuilder = createSightingBuilder({ reflectors, readings: readingBuilder.readings })

  function fail(error: unknown): void {
    fatal ??= error
    update.raise()
  }

  async function rebuild(): Promise<void> {
    const includedLists = lists
    sightingBuilder.markChanged(await readingBuilder.update())
    if (includedLists > readLists) sightingBuilder.requestPicture()
    readLists = includedLists
    update.raise()
  }

  /** Lists again for each refresh. Nothing is yielded meanwhile, so that the next sighting answers the refresh. */
  async function handleRefreshes(): Promise<void> {
    for (;;) {
      await run.wake.wait()
      if (signal.aborted) return
      run.wake.take()
      isRefreshing = true
      limiter.skipBackoff()
      // While the server fails, only one list runs, and its failure answers the refresh.
      await Promise.race([reflectors.relist(), limiter.nextFailure()])
      await rebuild()
      isRefreshing = false
      isRefreshed = true
      update.raise()
    }
  }

  function onCredentials(error: SourceError | undefined): void {
    if (sightingBuilder.reportCredentials(error)) update.raise()
  }

  const connection = monitorConnection({ client, limiter, tuning, signal, onCredentials })
  const tasks = [...reflectors.runs, connection, handleRefreshes()]
  for (const task of tasks) task.catch(fail)
  try {
    for (;;) {
      const isUpdated = await waitAndTake(update, tuning.maxSilenceMs)
      if (fatal !== undefined) throw fatal
      if (signal.aborted) return
      if (isRefreshing || readLists < lists) continue
      const isReady = sightingBuilder.hasAnswered() || limiter.failures() > 0
      const force = isRefreshed || !isUpdated
      isRefreshed = false
      const sighting = isReady ? sightingBuilder.next({ force }) : force ? listing : undefined
      if (sighting) yield sighting
    }
  } finally {
    stop.abort()
    debounce.close()
    await client.close()
    await Promise.allSettled(reflectors.runs)
  }
}

const listing = { type: 'alive', note: 'listing' } as const

/** Waits for the signal and takes it; false if it was not raised within `ms`. */
async function waitAndTake(wake: ReturnType<typeof createWakeSignal>, ms: number): Promise<boolean> {
  await wake.wait(ms)
  const wasRaised = wake.raised()
  wake.take()
  return wasRaised
}
