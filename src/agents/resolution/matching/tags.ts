/** Tags as a dependency names them. Plain: required; `+tag`: preferred; `-tag`: excluded; a list: one of them. */
export type TagRequest = readonly (string | readonly string[])[]

/** Why the tags of a function do not match. */
export type TagMismatch =
  | { readonly reason: 'MissingTag'; readonly details: { readonly missing: readonly string[] } }
  | { readonly reason: 'MissingTag'; readonly details: { readonly missing_one_of: readonly string[] } }
  | { readonly reason: 'ExtraTagDisallowed'; readonly details: { readonly disallowed: readonly string[] } }

const requiredScore = 5
const preferredScore = 10

/**
 * The score of a function's tags for a request: 5 for each required tag, 10 for each preferred one, the best of each list.
 *
 * A list always has to match, one of preferred or excluded tags alone too.
 */
export function scoreTags(tags: readonly string[], request: TagRequest): number | TagMismatch {
  let score = 0
  const missing: string[] = []
  for (const item of request) {
    if (typeof item !== 'string') continue
    const { sign, tag } = parseTag(item)
    if (tag === '') continue
    const isPresent = tags.includes(tag)
    if (sign === '-' && isPresent) return disallowed(tag)
    if (sign === '' && !isPresent) missing.push(tag)
    if (isPresent) score += sign === '+' ? preferredScore : requiredScore
  }
  if (missing.length > 0) return { reason: 'MissingTag', details: { missing } }
  for (const item of request) {
    if (typeof item === 'string' || item.length === 0) continue
    const best = scoreAlternatives(tags, item)
    if (typeof best !== 'number') return best
    score += best
  }
  return score
}

function scoreAlternatives(tags: readonly string[], alternatives: readonly string[]): number | TagMismatch {
  let best = 0
  for (const item of alternatives) {
    const { sign, tag } = parseTag(item)
    if (tag === '' || !tags.includes(tag)) continue
    if (sign === '-') return disallowed(tag)
    best = Math.max(best, sign === '+' ? preferredScore : requiredScore)
  }
  return best > 0 ? best : { reason: 'MissingTag', details: { missing_one_of: alternatives } }
}

function parseTag(text: string): { sign: '' | '+' | '-'; tag: string } {
  if (text.startsWith('+')) return { sign: '+', tag: text.slice(1) }
  return text.startsWith('-') ? { sign: '-', tag: text.slice(1) } : { sign: '', tag: text }
}

function disallowed(tag: string): TagMismatch {
  return { reason: 'ExtraTagDisallowed', details: { disallowed: [tag] } }
}
