import { redactText } from '../redaction/redact-text.ts'
import type { Server } from '../server.ts'
import { isNear, minRatio } from './fuzzy.ts'

/** Characters of a description that are searched; the rest is ignored. */
const maxDescriptionChars = 1000

/** The fields that a text search reads. */
export type SearchableFields = Pick<Server, 'name' | 'title' | 'description' | 'tags' | 'capabilities'>

/** The words of `q`, lower-cased; a server must match each of them. */
export function wordsOf(q: string): readonly string[] {
  return [...new Set(q.toLowerCase().split(/\s+/))].filter((word) => word !== '')
}

/**
 * The searchable text of a server, lower-cased, in five lines: name, title, tags, capabilities, description. Made once per
 * server, so that a search reads one string.
 */
export function searchTextOf({ name, title = '', tags, capabilities, description = '' }: SearchableFields): string {
  const capabilityNames = capabilities.map((capability) => capability.name)
  // Redacted like the API: otherwise searches could guess a secret letter by letter.
  const prose = redactText(description.slice(0, maxDescriptionChars))
  const lines = [name, redactText(title), joinLabels(tags), joinLabels(capabilityNames), prose]
  return lines
    .map((line) => (line.includes('\n') ? line.replaceAll('\n', ' ') : line))
    .join('\n')
    .toLowerCase()
}

/** Joins labels by a character that no word of a query contains. */
const joinLabels = (labels: readonly string[]) => labels.join('\t')

/** The indexes where the first four lines of a searchable text end. */
export type LineEnds = {
  readonly name: number
  readonly title: number
  readonly tags: number
  readonly capabilities: number
}

export function lineEnds(text: string): LineEnds {
  const name = text.indexOf('\n')
  const title = text.indexOf('\n', name + 1)
  const tags = text.indexOf('\n', title + 1)
  return { name, title, tags, capabilities: text.indexOf('\n', tags + 1) }
}

/** Relevance by where a word was found. */
const scores = {
  exact: 9,
  prefix: 8,
  name: 7,
  title: 6,
  tag: 5,
  capability: 4,
  description: 3,
  nearName: 2,
  nearLabel: 1,
}

/** Fuzzy tests of a searchable text: whether its name, or one of its tags or capabilities, is near a word. */
export type NearMatch = {
  readonly name: (text: string, word: string) => boolean
  readonly label: (text: string, word: string) => boolean
}

/**
 * The relevance of a text to all words: the lowest score of any word, 0 where one is missing. A name that equals the whole
 * `q` scores highest. With `near`, near spellings match too.
 */
export function relevanceTo(words: readonly string[], near?: NearMatch): (text: string, ends?: LineEnds) => number {
  // A word that one text lacks is tried first on the next, which probably lacks it too.
  const order = [...words]
  const wholeName = words.length > 1 ? `${words.join(' ')}\n` : undefined

  return (text, ends = lineEnds(text)) => {
    let lowest = scores.exact
    for (const [index, word] of order.entries()) {
      const score = scoreOf(text, word, ends) || (near ? nearScoreOf(text, word, near) : 0)
      if (score === 0) {
        if (index > 0) order.unshift(...order.splice(index, 1))
        return 0
      }
      if (score < lowest) lowest = score
    }
    return wholeName !== undefined && text.startsWith(wholeName) ? scores.exact : lowest
  }
}

function scoreOf(text: string, word: string, { name, title, tags, capabilities }: LineEnds): number {
  const at = text.indexOf(word)
  if (at < 0) return 0
  if (at < name) {
    if (at > 0) return scores.name
    return word.length === name ? scores.exact : scores.prefix
  }
  if (at < title) return scores.title
  if (at < tags) return scores.tag
  return at < capabilities ? scores.capability : scores.description
}

function nearScoreOf(text: string, word: string, near: NearMatch): number {
  if (near.name(text, word)) return scores.nearName
  return near.label(text, word) ? scores.nearLabel : 0
}

function hasNearLabel(text: string, word: string): boolean {
  const [, , tags = '', capabilities = ''] = text.split('\n', 4)
  return [...tags.split('\t'), ...capabilities.split('\t')].some((label) => isNear(label, word))
}

export function isNearName(text: string, word: string): boolean {
  const end = text.indexOf('\n')
  if (end * minRatio > word.length || word.length * minRatio > end) return false
  return isNear(text.slice(0, end), word)
}

/** The fuzzy tests without an index, on the text alone. */
export const nearMatch: NearMatch = { name: isNearName, label: hasNearLabel }
