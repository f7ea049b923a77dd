import type { Status } from '../../model/health.ts'

/** How many probes in a row it takes to change the status. */
export type Thresholds = { readonly failures: number; readonly successes: number }

/** What all probes of a target so far amount to. */
export type Verdict = {
  readonly status: Extract<Status, 'pending' | 'healthy' | 'degraded' | 'unhealthy'>
  /** Consecutive failures, up to the last probe. */
  readonly failures: number
  /** Consecutive successes, up to the last probe. */
  readonly successes: number
  /** Whether a probe ever succeeded. */
  readonly proven: boolean
}

export const initialVerdict: Verdict = { status: 'pending', failures: 0, successes: 0, proven: false }

/**
 * The verdict after one more probe.
 *
 * The first success leads to healthy, the first failure to degraded, `failures` in a row to unhealthy. A target that was
 * healthy before becomes so again after `successes` in a row, so that a flapping target does not flap its status.
 */
export function nextVerdict(before: Verdict, ok: boolean, thresholds: Thresholds): Verdict {
  return ok ? afterSuccess(before, thresholds) : afterFailure(before, thresholds)
}

function afterSuccess(before: Verdict, thresholds: Thresholds): Verdict {
  const successes = before.successes + 1
  const first = !before.proven && before.status !== 'unhealthy'
  const healthy = first || before.status === 'healthy' || successes >= thresholds.successes
  return { status: healthy ? 'healthy' : before.status, failures: 0, successes, proven: true }
}

function afterFailure(before: Verdict, thresholds: Thresholds): Verdict {
  const failures = before.failures + 1
  const unhealthy = before.status === 'unhealthy' || failures >= thresholds.failures
  return { status: unhealthy ? 'unhealthy' : 'degraded', failures, successes: 0, proven: before.proven }
}
