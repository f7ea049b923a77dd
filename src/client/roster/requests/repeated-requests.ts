import { createBackoff } from '../../../flow/backoff.ts'
import { type CircuitBreaker, type CircuitOptions, createCircuitBreaker } from '../../resilience/circuit-breaker.ts'
import { pause } from '../cancellation.ts'
import { isTransient, RosterError } from '../error.ts'

/** What a client does when its roster does not answer. */
export type ResilienceOptions = {
  /**
   * How many times a request is made again that found no roster or one in trouble (default 2), within its time limit. Only
   * requests that may be repeated: reads, registrations, heartbeats.
   */
  readonly retries?: number | undefined
  /** When requests fail at once, without asking: after 5 failures in a row, for 5 s. `false`: never. */
  readonly breaker?: Pick<CircuitOptions, 'failures' | 'openMs'> | false | undefined
}

const firstPauseMs = 200
const maxPauseMs = 4000
const defaultOpenMs = 5000

export type RepeatedRequests = ReturnType<typeof createRepeatedRequests>

/** Makes requests again where that may help, and not at all while the roster is known to be away. */
export function createRepeatedRequests({ retries = 2, breaker = {} }: ResilienceOptions, origin: string) {
  const circuit = breaker === false ? undefined : createCircuitBreaker({ openMs: defaultOpenMs, ...breaker })
  let lastFailure: RosterError | undefined

  /** One attempt under the circuit breaker. */
  async function attempt<T>(request: (timeoutMs: number) => Promise<T>, timeoutMs: number): Promise<T> {
    if (circuit && !circuit.admit()) throw openCircuit(origin, lastFailure)
    try {
      const answer = await request(timeoutMs)
      circuit?.succeed()
      return answer
    } catch (error) {
      report(circuit, error)
      if (isTransient(error)) lastFailure = error
      throw error
    }
  }

  /** Attempts until an answer, an error that a retry cannot mend, the last retry, or the time limit. */
  return async function repeated<T>(
    request: (timeoutMs: number) => Promise<T>,
    { timeoutMs, isRepeatable, signal }: { timeoutMs: number; isRepeatable: boolean; signal?: AbortSignal | undefined },
  ): Promise<T> {
    const backoff = createBackoff({ firstMs: firstPauseMs, maxMs: maxPauseMs })
    const end = performance.now() + timeoutMs
    for (let left = isRepeatable ? retries : 0; ; left -= 1) {
      try {
        return await attempt(request, Math.max(1, end - performance.now()))
      } catch (error) {
        if (left <= 0 || signal?.aborted || !isTransient(error) || error.code === 'circuit_open') throw error
        const ms = error.retryAfterMs ?? backoff.next()
        if (performance.now() + ms >= end) throw error
        await pause(ms, signal)
        if (signal?.aborted) throw error
      }
    }
  }
}

/** Tells the circuit what an error says about the roster: a 404 comes from one that is well. */
function report(circuit: CircuitBreaker | undefined, error: unknown): void {
  if (isTransient(error) && error.status !== 429) circuit?.fail()
  else if (error instanceof RosterError) circuit?.succeed()
  else circuit?.cancel()
}

function openCircuit(origin: string, cause: RosterError | undefined): RosterError {
  const detail = `${origin} failed several times in a row and is not asked for some seconds; last: ${cause?.message ?? ''}`
  return new RosterError(detail, { code: 'circuit_open', cause })
}
