import { createBackoff } from '../../../src/flow/backoff.ts'
import { silent } from '../../../src/log.ts'
import type { SourceRun, Sighting, Source } from '../../../src/model/source.ts'
import { createRegistry } from '../../../src/registry/registry.ts'
import { createSupervisor, type SourcePlan } from '../../../src/registry/supervision/supervisor.ts'
import { reading } from '../../made.ts'

export const picture = (...names: string[]): Sighting => ({ type: 'picture', readings: [reading('a', ...names)] })

export function plan(name: string, open: () => Source, more: Partial<SourcePlan> = {}): SourcePlan {
  return {
    name,
    type: 'test',
    settings: {},
    layer: { reach: 'any', discovery_method: 'config_file' },
    trust: { stdio: () => true, questionsShrinks: false },
    maxSilenceMs: 60_000,
    open,
    ...more,
  }
}

/** Says what it is given, then goes on looking whenever it is woken. */
export function looking(look: (run: SourceRun) => Sighting): () => Source {
  return () =>
    async function* (run) {
      while (!run.signal.aborted) {
        run.wake.take()
        yield look(run)
        await run.wake.wait()
      }
    }
}

/** A registry and a supervisor of played sources. */
export function world(log = silent) {
  const registry = createRegistry({
    onError: (error) => {
      throw error
    },
  })
  const supervisor = createSupervisor({
    registry,
    log,
    backoff: () => createBackoff({ firstMs: 1, mostMs: 2 }),
  })
  /** Resolves at the first revision after which `seen` holds. */
  const until = (seen: () => boolean) =>
    new Promise<void>((resolve) => {
      if (seen()) return resolve()
      const leave = registry.subscribe(() => {
        if (!seen()) return
        leave()
        resolve()
      })
    })
  const names = () => registry.list().map(({ server }) => server.name)
  const state = (source: string) => supervisor.sources().find(({ name }) => name === source)?.state
  return { registry, supervisor, until, names, state }
}
