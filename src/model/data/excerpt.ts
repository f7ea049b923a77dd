/** Maximum characters of a client's text that an error repeats. */
const maxExcerptLength = 100

/** A text of a client as an error quotes it: its beginning. */
export function excerptOf(text: string): string {
  return text.length > maxExcerptLength ? `${text.slice(0, maxExcerptLength)}…` : text
}

/** The path of a field as an error names it: `labels.env`. Keys in it may be a client's. */
export function fieldOf(path: readonly PropertyKey[]): string {
  return path.map((step) => excerptOf(String(step))).join('.')
}
