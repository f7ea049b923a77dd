import type { Status } from '../../model/health.ts'

/** How many checks in a row it takes to turn. */
export type Thresholds = { readonly failures: number; readonly successes: number }

/** What the checks so far say of a target. */
export type Verdict = {
  readonly status: Extract<Status, 'pending' | 'healthy' | 'degraded' | 'unhealthy'>
  /** In a row, up to now. */
  readonly failures: number
  readonly successes: number
  /** Whether it ever succeeded. */
  readonly proven: boolean
}

export const untried: Verdict = { status: 'pending', failures: 0, successes: 0, proven: false }

/**
 * One more check. The first success makes healthy, the first failure degraded, `failures` in a row unhealthy; what was
 * healthy once comes back after `successes` in a row, so that a flapping target does not flap its status.
 */
export function nextVerdict(before: Verdict, ok: boolean, thresholds: Thresholds): Verdict {
  return ok ? succeeded(before, thresholds) : failed(before, thresholds)
}

function succeeded(before: Verdict, thresholds: Thresholds): Verdict {
  const successes = before.successes + 1
  const first = !before.proven && before.status !== 'unhealthy'
  const healthy = first || before.status === 'healthy' || successes >= thresholds.successes
  return { status: healthy ? 'healthy' : before.status, failures: 0, successes, proven: true }
}

function failed(before: Verdict, thresholds: Thresholds): Verdict {
  const failures = before.failures + 1
  const unhealthy = before.status === 'unhealthy' || failures >= thresholds.failures
  return { status: unhealthy ? 'unhealthy' : 'degraded', failures, successes: 0, proven: before.proven }
}
