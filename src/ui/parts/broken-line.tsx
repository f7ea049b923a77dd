import { sourceExcerptTexts as texts } from '../texts/sources.ts'

/** The broken line of a document: a mark at the error, and dots for what could be a secret. */
export function BrokenLine({ excerpt }: { readonly excerpt: string }) {
  return (
    <code class="broken-line" title={texts.excerpt}>
      <bdi>{excerpt}</bdi>
    </code>
  )
}
