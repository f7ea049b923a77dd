import type { SourceStatus } from '../../../client/index.ts'
import { sourcesTexts } from '../../texts/sources.ts'

/** The state of a source as shape, word and colour. */
export function SourceStateMark({ state }: { readonly state: SourceStatus['state'] }) {
  const { shape, word, like } = sourcesTexts.states[state]
  return (
    <span class={`status ${like}`}>
      <span aria-hidden="true">{shape}</span> {word}
    </span>
  )
}
