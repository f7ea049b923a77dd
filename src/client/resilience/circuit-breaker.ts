/** `closed`: calls pass. `open`: none does. `half_open`: one call passes, and its outcome decides. */
export type CircuitState = 'closed' | 'open' | 'half_open'

export type CircuitOptions = {
  /** Failures in a row that open the circuit (default 5). */
  readonly failures?: number | undefined
  /** Time until an open circuit lets a trial pass, in ms (default 10,000). */
  readonly openMs?: number | undefined
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number
  readonly onChange?: (state: CircuitState) => void
}

export type CircuitBreaker = ReturnType<typeof createCircuitBreaker>

/** Stops calls to a server that keeps failing, until a trial succeeds. */
export function createCircuitBreaker({
  failures: maxFailures = 5,
  openMs = 10_000,
  now = () => performance.now(),
  onChange,
}: CircuitOptions = {}) {
  let state: CircuitState = 'closed'
  let failures = 0
  let opensAgainAt = 0
  let hasTrial = false

  function change(next: CircuitState): void {
    if (next === state) return
    state = next
    onChange?.(next)
  }

  /** Whether a call may pass now. */
  const allows = () => state === 'closed' || (!hasTrial && now() >= opensAgainAt)

  /** Admits a call, which must end with `succeed`, `fail` or `cancel`. False: the circuit is open. */
  function admit(): boolean {
    if (!allows()) return false
    if (state === 'closed') return true
    hasTrial = true
    change('half_open')
    return true
  }

  function succeed(): void {
    failures = 0
    hasTrial = false
    change('closed')
  }

  function fail(): void {
    failures += 1
    hasTrial = false
    if (state === 'closed' && failures < maxFailures) return
    opensAgainAt = now() + openMs
    change('open')
  }

  /** The call ended without saying anything about the server. */
  function cancel(): void {
    if (!hasTrial) return
    hasTrial = false
    change('open')
  }

  return { state: () => state, allows, admit, succeed, fail, cancel }
}
