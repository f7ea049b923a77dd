import type { Log } from '../../log.ts'
import { Redacted, redactRejection } from '../../model/redaction/redact-reason.ts'
import type { Sighting, SourceError } from '../../model/source.ts'
import type { Rejection, SourceState, SourceStatus } from '../../model/status.ts'
import type { Intake } from './intake.ts'

type Details = Pick<
  SourceStatus,
  'note' | 'last_attempt' | 'last_success' | 'last_change' | 'next_attempt' | 'last_error'
>

/** Called when the state of a source or the number of its rejected entries changes. */
export type SourceListener = (
  happening:
    | {
        readonly type: 'state'
        readonly source: string
        readonly before: SourceState
        readonly state: SourceState
        readonly servers: number
        readonly reason: string | undefined
      }
    | {
        readonly type: 'rejections'
        readonly source: string
        readonly before: number
        readonly rejected: number
        /** One of them, without secrets. */
        readonly first: Rejection | undefined
      },
) => void

/** Maintains the state of a source from its sightings and failures, and logs when it changes. Owns what `/sources` shows. */
export function createSourceState({
  name,
  type,
  intake,
  log,
  now,
  onChange = () => {},
}: {
  name: string
  type: string
  intake: Pick<Intake, 'summary' | 'details'>
  log: Log
  now: () => number
  onChange?: SourceListener | undefined
}) {
  const details: Details = {}
  let state: SourceState = 'starting'
  let failures = 0
  let restarts = 0
  let isAnswered = false
  let hasFailed = false
  let isDisabled = false
  let loggedError: string | undefined
  let loggedRejections = 0

  const timestamp = (ms = now()) => new Date(ms).toISOString()

  /** Recomputes the state; logs a change of state or of its reason. */
  function update(): void {
    const { failing, origins, servers, rejected, isWhollyRejected, error } = intake.summary()
    const before = state
    if (isDisabled) state = 'disabled'
    else if (!isAnswered) state = 'starting'
    else if (hasFailed || (failing > 0 && failing === origins)) state = 'stale'
    else state = failing > 0 || isWhollyRejected ? 'degraded' : 'synced'
    const isNewError = error !== undefined && error !== loggedError
    loggedError = error
    if (error !== undefined && !hasFailed)
      details.last_error = failing > 1 ? `${error} (and ${failing - 1} more)` : error
    else if (state === 'degraded') details.last_error = `every entry is rejected (${rejected})${firstRejection()}`
    if (state !== before) {
      const reason = state === 'degraded' || state === 'stale' ? details.last_error : undefined
      onChange({ type: 'state', source: name, before, state, servers, reason })
    }
    if (state === 'synced' && before !== state) log.info({ before, servers }, 'source synced')
    else if (state === 'disabled') log.info({ note: details.note }, 'source disabled')
    else if (state !== before || isNewError)
      log.warn({ state, before, servers, reason: details.last_error }, 'source degraded')
    logRejections()
  }

  /** Where the first rejected entry is. Its reason stays with the rejections: a text that holds both cannot be redacted. */
  function firstRejection(): string {
    const [first] = intake.details({ origins: 0, rejections: 1 }).rejections
    if (!first) return ''
    const { where, origin } = first
    return `, the first at ${where === undefined ? origin : `${where} of ${origin}`}; see rejections`
  }

  /** Logs the number of rejected entries, and one of them, when the number changes. */
  function logRejections(): void {
    const { rejected } = intake.summary()
    const before = loggedRejections
    loggedRejections = rejected
    if (rejected === before) return
    const [first] = intake.details({ origins: 0, rejections: 1 }).rejections.map(redactRejection)
    onChange({ type: 'rejections', source: name, before, rejected, first })
    if (rejected === 0) return log.info({ before }, 'rejected entries cleared')
    log.warn({ rejected, before, first: new Redacted(first) }, 'entries rejected; GET /sources lists them')
  }

  /** A sighting was applied. */
  function sighted(sighting: Sighting, { isChanged }: { isChanged: boolean }): void {
    if (isChanged) details.last_change = timestamp()
    if (sighting.note === undefined) delete details.note
    else details.note = sighting.note
    if (sighting.type !== 'alive') countReadings()
    else if (!sighting.waits) confirm()
  }

  function countReadings(): void {
    const { failing, origins } = intake.summary()
    hasFailed = isDisabled = false
    failures = origins > 0 && failing === origins ? failures + 1 : 0
    // An error page or a broken document says nothing of what there is, so it is no answer.
    isAnswered ||= origins === 0 || failing < origins
    if (failing === 0) details.last_success = timestamp()
  }

  /** The source was read and nothing is new, so what was good before still is. */
  function confirm(): void {
    if (isAnswered && !hasFailed && intake.summary().failing === 0) details.last_success = timestamp()
  }

  /** The source failed as a whole. */
  function failed(error: SourceError): void {
    failures += 1
    hasFailed = true
    isDisabled = false
    details.last_error = error.message
    log.warn({ err: error, class: error.class, failures }, 'source failed, last good servers kept')
  }

  function restartScheduled(delayMs: number): void {
    restarts += 1
    details.next_attempt = timestamp(now() + delayMs)
  }

  /** The source ended by itself. `disabled`: it never showed a picture, and lists nothing. */
  function ended({ disabled }: { disabled: boolean }): void {
    isAnswered ||= disabled
    isDisabled = disabled
  }

  /** What `/sources` shows; `shadowed` is filled in by the supervisor. */
  function status(): SourceStatus {
    const { servers, rejected, held } = intake.summary()
    const { origins, rejections } = intake.details()
    return {
      name,
      type,
      state,
      ...details,
      servers,
      shadowed: 0,
      rejected,
      origins,
      rejections,
      ...(held && { held }),
      consecutive_failures: failures,
      restarts,
    }
  }

  return {
    update,
    readStarted: () => void (details.last_attempt = timestamp()),
    sighted,
    failed,
    restartScheduled,
    restarted: () => void delete details.next_attempt,
    ended,
    status,
    isAnswered: () => isAnswered,
  }
}
