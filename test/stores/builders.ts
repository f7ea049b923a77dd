import assert from 'node:assert/strict'
import type { StoreChange, StoreOperation, OperationOutcome, Registration, Store } from '../../src/stores/store.ts'

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

/** The registration that a put made. */
export function made(outcome: OperationOutcome | undefined): Registration {
  assert.ok(outcome?.type === 'put', JSON.stringify(outcome))
  return outcome.registration
}

export function typesOf(outcomes: readonly OperationOutcome[]): string[] {
  return outcomes.map(({ type }) => type)
}

/** News of a store until `enough` says so; fails the test when they don't come. */
export async function newsUntil(
  store: Store,
  since: string,
  enough: (news: readonly StoreChange[]) => boolean,
  ms = 8000,
): Promise<StoreChange[]> {
  const all: StoreChange[] = []
  const signal = AbortSignal.timeout(ms)
  for await (const news of store.changes({ since, signal })) {
    all.push(...news)
    if (enough(all)) return all
  }
  throw new assert.AssertionError({ message: `not told in time, only ${JSON.stringify(all).slice(0, 2000)}` })
}

/** Waits until something holds. */
export async function until(holds: () => boolean | Promise<boolean>, ms = 8000): Promise<void> {
  const end = performance.now() + ms
  while (!(await holds())) {
    if (performance.now() > end) throw new assert.AssertionError({ message: `did not come true: ${holds.toString()}` })
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
