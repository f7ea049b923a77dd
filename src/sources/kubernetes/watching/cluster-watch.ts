import { createDebounce } from '../../../flow/debounce.ts'
import { createWakeSignal } from '../../../flow/wake-signal.ts'
import type { SourceRun, Sighting } from '../../../model/source.ts'
import type { KubernetesConfig } from '../config.ts'
import { monitorConnection } from '../connection/connection-health.ts'
import type { KubeCredentials } from '../connection/credentials.ts'
import { createKubeClient } from '../connection/kube-client.ts'
import { createRequestLimiter } from '../connection/request-limiter.ts'
import type { Tuning } from '../tuning.ts'
import { createReadingBuilder } from './reading-builder.ts'
import { createReflectors } from './reflectors.ts'
import { createSightingBuilder } from './sighting-builder.ts'

type Watching = { config: KubernetesConfig; identity: KubeCredentials; habits: Tuning; run: SourceRun }

/** Watches a cluster until the signal aborts: lists, then follows what changes, whatever happens to the API server. */
export async function* watchCluster({ config, identity, habits, run }: Watching): AsyncGenerator<Sighting> {
  const stop = new AbortController()
  const signal = AbortSignal.any([run.signal, stop.signal])
  const client = createKubeClient({ identity, habits })
  const gate = createRequestLimiter(habits)
  const bell = createWakeSignal({ signal })
  let looking = false
  let asked = false
  // While something was listed anew and is not read yet nothing is said, so that what is gone goes in a picture.
  let listings = 0
  let read = 0
  let fatal: unknown

  const settle = createDebounce({ act: () => update().catch(fail), quietMs: habits.quietMs, maxMs: habits.maxDelayMs })
  const parts = createReflectors(
    config,
    identity.namespace,
    { client, gate, habits, signal },
    {
      onReplaced: (kind) => {
        assembly.noteAll(kind)
        listings++
        settle.trigger()
      },
      onChanged: (kind, key) => {
        assembly.note(kind, key)
        settle.trigger()
      },
      onState: (kind, namespace) => {
        telling.restate({ kind, namespace })
        bell.raise()
      },
    },
  )
  const assembly = createReadingBuilder({ config, copies: parts })
  const telling = createSightingBuilder({ parts, assembly })

  function fail(error: unknown): void {
    fatal ??= error
    bell.raise()
  }

  async function update(): Promise<void> {
    const upTo = listings
    telling.touch(await assembly.update())
    if (upTo > read) telling.renew()
    read = upTo
    bell.raise()
  }

  /** Looks anew whenever somebody asks; nothing else is said meanwhile, so that the next word is the answer. */
  async function heed(): Promise<void> {
    for (;;) {
      await run.wake.wait()
      if (signal.aborted) return
      run.wake.take()
      looking = true
      gate.hurry()
      // While the server fails, only one of all lists is tried, and that it failed is the answer.
      await Promise.race([parts.relist(), gate.nextFailure()])
      await update()
      looking = false
      asked = true
      bell.raise()
    }
  }

  const work = [...parts.runs, monitorConnection({ client, gate, habits, signal }), heed()]
  for (const one of work) one.catch(fail)
  try {
    for (;;) {
      const rung = await heard(bell, habits.maxSilenceMs)
      if (fatal !== undefined) throw fatal
      if (signal.aborted) return
      if (looking || read < listings) continue
      const ready = telling.settled() || gate.failures() > 0
      const must = asked || !rung
      asked = false
      const sighting = ready ? telling.next({ must }) : must ? ({ type: 'alive', note: 'listing' } as const) : undefined
      if (sighting) yield sighting
    }
  } finally {
    stop.abort()
    settle.close()
    await client.close()
    await Promise.allSettled(parts.runs)
  }
}

/** Waits for the bell; false when it did not ring within `ms`. */
async function heard(bell: ReturnType<typeof createWakeSignal>, ms: number): Promise<boolean> {
  await bell.wait(ms)
  const rung = bell.raised()
  bell.take()
  return rung
}
