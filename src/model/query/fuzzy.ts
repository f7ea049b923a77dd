import { distance } from 'fastest-levenshtein'

const minRatio = 0.7

/** Whether two texts, already lower-cased, are near enough to be taken for each other with a slip of the pen. */
export function isNear(text: string, query: string): boolean {
  const longer = Math.max(text.length, query.length)
  if (longer === 0) return false
  // The distance is at least the difference in length: most candidates need no more than this.
  if (Math.min(text.length, query.length) < longer * minRatio) return false
  return 1 - distance(text, query) / longer >= minRatio
}

/**
 * Whether a name answers a fuzzy query: equal, containing it, or a Levenshtein ratio of at least 0.7, ignoring case.
 *
 * An empty query or name never does.
 */
export function matchesFuzzily(name: string, query: string): boolean {
  if (name === '' || query === '') return false
  const [text, asked] = [name.toLowerCase(), query.toLowerCase()]
  return text.includes(asked) || isNear(text, asked)
}
