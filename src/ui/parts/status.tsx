import type { Status } from '../../client/index.ts'
import { statusTexts } from '../texts/status.ts'

/** A status as shape, word and colour. */
export function StatusMark({ status }: { readonly status: Status }) {
  const { word, shape } = statusTexts[status]
  return (
    <span class={`status ${status}`}>
      <span aria-hidden="true">{shape}</span> {word}
    </span>
  )
}
