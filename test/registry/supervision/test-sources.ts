import { createBackoff } from '../../../src/flow/backoff.ts'
import { silent } from '../../../src/log.ts'
import type { SourceRun, Sighting, Source } from '../../../src/model/source.ts'
import { createRegistry } from '../../../src/registry/registry.ts'
import { createSupervisor, type SourcePlan } from '../../../src/registry/supervision/supervisor.ts'
import { reading } from '../../builders.ts'

export const picture = (...names: string[]): Sighting => ({ type: 'picture', readings: [reading('a', ...names)] })

/** A plan of a trusted test source. */
export function sourcePlan(name: string, open: () => Source, more: Partial<SourcePlan> = {}): SourcePlan {
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

/** A source that reads when it starts and whenever it is woken. */
export function readingSource(read: (run: SourceRun) => Sighting): () => Source {
  return () =>
    async function* (run) {
      while (!run.signal.aborted) {
        run.wake.take()
        yield read(run)
        await run.wake.wait()
      }
    }
}

/** A registry with a supervisor of test sources. */
export function createTestSupervisor(log = silent) {
  const registry = createRegistry({
    onError: (error) => {
      throw error
    },
  })
  const supervisor = createSupervisor({
    registry,
    log,
    backoff: () => createBackoff({ firstMs: 1, maxMs: 2 }),
  })
  /** Resolves at the first revision where `seen` holds. */
  const until = (seen: () => boolean) =>
    new Promise<void>((resolve) => {
      if (seen()) return resolve()
      const unsubscribe = registry.subscribe(() => {
        if (!seen()) return
        unsubscribe()
        resolve()
      })
    })
  const names = () => registry.list().map(({ server }) => server.name)
  const state = (source: string) => supervisor.sources().find(({ name }) => name === source)?.state
  return { registry, supervisor, until, names, state }
}
