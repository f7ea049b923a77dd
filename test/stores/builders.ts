import assert from 'node:assert/strict'
import type {
  StoreChange,
  StoreOperation,
  OperationOutcome,
  StoredRegistration,
  Store,
} from '../../src/stores/store.ts'

/** A put of an agent; override what matters. */
export function put(fields: Partial<Extract<StoreOperation, { type: 'put' }>> = {}): StoreOperation {
  return {
    type: 'put',
    kind: 'agent',
    namespace: 'default',
    name: 'weather',
    definition: '{"name":"weather"}',
    lease: { timeout: 60, eviction: 120 },
    expect: 'any',
    ...fields,
  }
}

/** A question whether an agent is stored at a version. */
export function confirm(name: string, expect: Extract<StoreOperation, { type: 'confirm' }>['expect']): StoreOperation {
  return { type: 'confirm', kind: 'agent', namespace: 'default', name, expect }
}

/** Retires an agent at a version that has been silent for so long. */
export function retire(name: string, version: string, silent_ms: number): StoreOperation {
  return { type: 'retire', kind: 'agent', namespace: 'default', name, expect: { version }, silent_ms }
}

/** The registration in the outcome of a put. */
export function registrationIn(outcome: OperationOutcome | undefined): StoredRegistration {
  assert.ok(outcome?.type === 'put', JSON.stringify(outcome))
  return outcome.registration
}

export function typesOf(outcomes: readonly OperationOutcome[]): string[] {
  return outcomes.map(({ type }) => type)
}

/** Changes of a store until `isEnough`; fails the test after `ms`. */
export async function changesUntil(
  store: Store,
  since: string,
  isEnough: (changes: readonly StoreChange[]) => boolean,
  ms = 8000,
): Promise<StoreChange[]> {
  const all: StoreChange[] = []
  const signal = AbortSignal.timeout(ms)
  for await (const changes of store.changes({ since, signal })) {
    all.push(...changes)
    if (isEnough(all)) return all
  }
  throw new assert.AssertionError({
    message: `changes missing after ${ms} ms, only ${JSON.stringify(all).slice(0, 2000)}`,
  })
}

/** Polls until a condition holds; fails the test after `ms`. */
export async function until(holds: () => boolean | Promise<boolean>, ms = 8000): Promise<void> {
  const end = performance.now() + ms
  while (!(await holds())) {
    if (performance.now() > end)
      throw new assert.AssertionError({ message: `condition not met after ${ms} ms: ${holds.toString()}` })
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
