import type { Rejection } from '../status.ts'
import { redactText } from './redact-text.ts'

/**
 * Why a field is invalid, as one text. Field and problem are redacted one by one: in `headers.Authorization: must be text`, the
 * problem would be taken for the value of the header. The text must not be redacted again.
 */
export function redactedReason({ field, problem }: { readonly field: string; readonly problem: string }): string {
  return field === '' ? redactText(problem) : `${redactText(field)}: ${redactText(problem)}`
}

/** A rejection without secrets, as the API and the journal show it. */
export function redactRejection({ isRedacted, isExpected: _isExpected, ...rejection }: Rejection): Rejection {
  return {
    ...rejection,
    origin: redactText(rejection.origin),
    reason: isRedacted ? rejection.reason : redactText(rejection.reason),
  }
}

/** A value without secrets that the log must not redact again. */
export class Redacted<T> {
  readonly value: T

  constructor(value: T) {
    this.value = value
  }
}
