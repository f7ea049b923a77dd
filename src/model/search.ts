import { isNear } from './fuzzy.ts'
import { redactText } from './redact.ts'
import type { Server } from './server.ts'

/** So much of a description is searched; who writes more has said it by then. */
const described = 1000

/** What a search for words looks at. */
export type Searched = Pick<Server, 'name' | 'title' | 'description' | 'tags' | 'capabilities'>

/** The words of `q`, lower-cased; a server must answer to each of them. */
export function wordsOf(q: string): readonly string[] {
  return [...new Set(q.toLowerCase().split(/\s+/))].filter((word) => word !== '')
}

/**
 * Everything a search can find in a server, lower-cased, in one text of five lines: name, title, tags, capabilities,
 * description. Made once per server, so that a search need not look at the server.
 */
export function textOf({ name, title = '', tags, capabilities, description = '' }: Searched): string {
  const capabilityNames = capabilities.map((one) => one.name)
  // What is not shown must not be found either: searching would tell it letter by letter.
  const prose = redactText(description.slice(0, described))
  const lines = [name, redactText(title), joined(tags), joined(capabilityNames), prose]
  return lines
    .map((line) => (line.includes('\n') ? line.replaceAll('\n', ' ') : line))
    .join('\n')
    .toLowerCase()
}

/** Between labels stands what no word of a query can hold. */
const joined = (labels: readonly string[]) => labels.join('\t')

/** What each line of the text is worth, after the name. */
const worthOfLine = [6, 5, 4, 3]
const worth = { exact: 9, prefix: 8, name: 7, nearName: 2, nearLabel: 1 }

/** Whether something of a text is spelled nearly like a word: its name, or one of its tags and capabilities. */
export type Near = {
  readonly name: (text: string, word: string) => boolean
  readonly label: (text: string, word: string) => boolean
}

/**
 * How well a text answers to all words, 0 for not at all: as well as to the one it answers to least; a name that is the
 * whole of `q` is best. With `near`, what is spelled nearly so answers too.
 */
export function relevanceTo(words: readonly string[], near?: Near): (text: string) => number {
  const wholeName = words.length > 1 ? `${words.join(' ')}\n` : undefined

  return (text) => {
    let least = worth.exact
    for (const word of words) {
      const one = worthOf(text, word) || (near ? worthOfNear(text, word, near) : 0)
      if (one === 0) return 0
      if (one < least) least = one
    }
    return wholeName !== undefined && text.startsWith(wholeName) ? worth.exact : least
  }
}

function worthOf(text: string, word: string): number {
  const at = text.indexOf(word)
  if (at < 0) return 0
  let end = text.indexOf('\n')
  if (at < end) {
    if (at > 0) return worth.name
    return word.length === end ? worth.exact : worth.prefix
  }
  for (const worth of worthOfLine) {
    end = text.indexOf('\n', end + 1)
    if (at < end || end < 0) return worth
  }
  return 0
}

function worthOfNear(text: string, word: string, near: Near): number {
  if (near.name(text, word)) return worth.nearName
  return near.label(text, word) ? worth.nearLabel : 0
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
export const near: Near = { name: isNearName, label: hasNearLabel }
