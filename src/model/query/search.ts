import { redactText } from '../redaction/redact-text.ts'
import type { Server } from '../server.ts'
import { isNear } from './fuzzy.ts'

/** So much of a description is searched; who writes more has said it by then. */
const maxDescriptionChars = 1000

/** What a search for words looks at. */
export type SearchableFields = Pick<Server, 'name' | 'title' | 'description' | 'tags' | 'capabilities'>

/** The words of `q`, lower-cased; a server must answer to each of them. */
export function wordsOf(q: string): readonly string[] {
  return [...new Set(q.toLowerCase().split(/\s+/))].filter((word) => word !== '')
}

/**
 * Everything a search can find in a server, lower-cased, in one text of five lines: name, title, tags, capabilities,
 * description. Made once per server, so that a search need not look at the server.
 */
export function searchTextOf({ name, title = '', tags, capabilities, description = '' }: SearchableFields): string {
  const capabilityNames = capabilities.map((one) => one.name)
  // What is not shown must not be found either: searching would tell it letter by letter.
  const prose = redactText(description.slice(0, maxDescriptionChars))
  const lines = [name, redactText(title), joined(tags), joined(capabilityNames), prose]
  return lines
    .map((line) => (line.includes('\n') ? line.replaceAll('\n', ' ') : line))
    .join('\n')
    .toLowerCase()
}

/** Between labels stands what no word of a query can hold. */
const joined = (labels: readonly string[]) => labels.join('\t')

/** Where the lines of a text end, but the last. */
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

/** Whether something of a text is spelled nearly like a word: its name, or one of its tags and capabilities. */
export type NearMatch = {
  readonly name: (text: string, word: string) => boolean
  readonly label: (text: string, word: string) => boolean
}

/**
 * How well a text answers to all words, 0 for not at all: as well as to the one it answers to least; a name that is the
 * whole of `q` is best. With `near`, what is spelled nearly so answers too.
 */
export function relevanceTo(words: readonly string[], near?: NearMatch): (text: string, ends?: LineEnds) => number {
  // What one text lacked the next one probably lacks too: that word is looked for first.
  const order = [...words]
  const wholeName = words.length > 1 ? `${words.join(' ')}\n` : undefined

  return (text, ends = lineEnds(text)) => {
    let least = scores.exact
    for (const [index, word] of order.entries()) {
      const one = scoreOf(text, word, ends) || (near ? nearScoreOf(text, word, near) : 0)
      if (one === 0) {
        if (index > 0) order.unshift(...order.splice(index, 1))
        return 0
      }
      if (one < least) least = one
    }
    return wholeName !== undefined && text.startsWith(wholeName) ? scores.exact : least
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
  if (end * 0.7 > word.length || word.length * 0.7 > end) return false
  return isNear(text.slice(0, end), word)
}

/** By looking at the text alone. */
export const nearMatch: NearMatch = { name: isNearName, label: hasNearLabel }
