/**
 * A redacted value or a `${placeholder}` that is filled in later. Groups: the kind (`env` or `input`), the name of the
 * variable, and its default. All three are absent for a redacted value.
 */
export const placeholder = /<redacted>|%3Credacted%3E|\$\{(?:(env|input):)?([A-Za-z_][\w.-]*)(?::-([^{}]*))?\}/gi
