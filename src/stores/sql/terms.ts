import type { Fence } from '../member.ts'
import { type StoreOperation, StoreRefusal } from '../store.ts'
import type { CommitSession } from './dialect.ts'

/** A term ended while a transaction depended on it: the process was paused. Nothing of the transaction has taken effect. */
class TermEnded extends StoreRefusal {
  override name = 'TermEnded'
}

/** Attempts of a transaction whose terms end meanwhile: the second one finds them ended. */
const maxAttempts = 3

/**
 * Runs a transaction whose operations depend on terms of members, which must last until its end: the process may be paused in
 * between. `hold` reads them.
 */
export function withTerms<T>(operations: readonly StoreOperation[], run: (terms: Terms) => Promise<T>): Promise<T> {
  return withFences(fencesOf(operations), run)
}

/** Writes in a transaction that a term of a member outlasts; false where it is over, and nothing was written. */
export function writeInTerm<Session extends TermSession>(
  fence: Fence,
  transaction: (work: (session: Session) => Promise<boolean>) => Promise<boolean>,
  write: (session: Session) => Promise<void>,
): Promise<boolean> {
  return withFences([fence], (terms) =>
    transaction(async (session) => {
      await terms.hold(session)
      if (terms.isOver(fence)) return false
      await write(session)
      terms.assertHeld()
      return true
    }),
  )
}

async function withFences<T>(fences: readonly Fence[], run: (terms: Terms) => Promise<T>): Promise<T> {
  const terms = createTerms(fences)
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run(terms)
    } catch (error) {
      if (!(error instanceof TermEnded) || attempt === maxAttempts) throw error
    }
  }
}

type TermSession = Pick<CommitSession, 'termLeft'>

export type Terms = ReturnType<typeof createTerms>

function createTerms(fences: readonly Fence[]) {
  /** When each term ends unless it is renewed, by the clock of this process; only those that lasted when they were read. */
  const ends = new Map<string, number>()

  /** Reads the terms. They are neither renewed nor ended by others until the transaction ends. */
  async function hold(session: TermSession): Promise<void> {
    ends.clear()
    for (const fence of fences) {
      const askedAt = performance.now()
      const leftMs = await session.termLeft(fence)
      if (leftMs > 0) ends.set(fenceKey(fence), askedAt + leftMs)
    }
  }

  /** Called last in the transaction; throws where one of the terms that it relied on has ended. */
  function assertHeld(): void {
    for (const end of ends.values())
      if (performance.now() >= end) throw new TermEnded('the term of this member ended during a write')
  }

  return { hold, assertHeld, isOver: (fence: Fence | undefined) => fence !== undefined && !ends.has(fenceKey(fence)) }
}

/** The terms that the operations depend on, each once. */
function fencesOf(operations: readonly StoreOperation[]): Fence[] {
  const fences = operations.flatMap((operation) => ('fence' in operation && operation.fence ? [operation.fence] : []))
  return [...new Map(fences.map((fence) => [fenceKey(fence), fence])).values()]
}

function fenceKey({ id, incarnation }: Fence): string {
  return `${incarnation}:${id}`
}
