import type { ApiError } from '../data/api.ts'

/** Why the daemon gave no answer; nothing where it did. */
export function ProblemLine({ error }: { readonly error: ApiError | undefined }) {
  if (!error) return null
  return (
    <p class="problem" role="alert">
      {error.message} <code>{error.code}</code>
    </p>
  )
}
