import type { Log } from '../../log.ts'
import type { SourceError } from '../../model/source.ts'
import type { SourceState, SourceStatus } from '../../model/status.ts'
import type { Intake } from './intake.ts'

/** How a source stands, by what it answered and what its intake made of that; says so where it changes. */
export function createSourceState({ intake, log }: { intake: Pick<Intake, 'summary' | 'details'>; log: Log }) {
  const facts: Pick<
    SourceStatus,
    'note' | 'last_attempt' | 'last_success' | 'last_change' | 'next_attempt' | 'last_error'
  > = {}
  let state: SourceState = 'starting'
  let failures = 0
  let answered = false
  let isFailed = false
  let disabled = false
  let wrong: string | undefined
  let turnedAway = 0

  /** Works out the state anew; says so where it changed, or where another thing is wrong than before. */
  function judge(): void {
    const { failing, origins, servers, error } = intake.summary()
    const before = state
    if (disabled) state = 'disabled'
    else if (!answered) state = 'starting'
    else if (isFailed || (failing > 0 && failing === origins)) state = 'stale'
    else state = failing > 0 ? 'degraded' : 'synced'
    const news = error !== undefined && error !== wrong
    wrong = error
    if (error !== undefined && !isFailed) facts.last_error = error
    if (state === 'synced' && before !== state) log.info({ before, servers }, 'source is in sync')
    else if (state === 'disabled') log.info({ note: facts.note }, 'source is disabled')
    else if (state !== before || news)
      log.warn({ state, before, servers, reason: facts.last_error }, 'source cannot be read whole')
    tellOfRejected()
  }

  /** Says how many entries are turned away, and one of them, whenever their number changes. */
  function tellOfRejected(): void {
    const { rejected } = intake.summary()
    const before = turnedAway
    turnedAway = rejected
    if (rejected === before) return
    if (rejected === 0) return log.info({ before }, 'no entry is turned away any more')
    const [first] = intake.details({ origins: 0, rejections: 1 }).rejections
    log.warn({ rejected, before, first }, 'entries are turned away, GET /sources names each')
  }

  /** It has said what it sees. */
  function counted(when: string): void {
    const { failing, unanswered, origins } = intake.summary()
    isFailed = disabled = false
    failures = origins > 0 && failing === origins ? failures + 1 : 0
    answered ||= origins === 0 || unanswered < origins
    if (failing === 0) facts.last_success = when
  }

  /** It has looked, and there is nothing new to say: what was good before is so still. */
  function confirmed(when: string): void {
    if (answered && !isFailed && intake.summary().failing === 0) facts.last_success = when
  }

  /** It failed as a whole. */
  function failed(error: SourceError): void {
    failures += 1
    isFailed = true
    disabled = false
    facts.last_error = error.message
    log.warn({ err: error, class: error.class, failures }, 'source failed, its last good servers stay')
  }

  /** It has nothing more to say; disabled: it never said anything. */
  function ended(how: { disabled: boolean }): void {
    answered = true
    disabled = how.disabled
  }

  return {
    facts,
    judge,
    counted,
    confirmed,
    failed,
    ended,
    state: () => state,
    failures: () => failures,
    isAnswered: () => answered,
  }
}
