import { isNear } from './fuzzy.ts'
import type { Server } from './server.ts'

/** So much of a description is searched; who writes more has said it by then. */
const described = 1000

/** What a search for words looks at. */
export type Searched = Pick<Server, 'name' | 'title' | 'description' | 'tags' | 'capabilities'>

/** The words of `q`, lower-cased; a server must answer to each of them. */
export function wordsOf(q: string): readonly string[] {
  return [...new Set(q.toLowerCase().split(/\s+/))].filter((word) => word !== '')
}

/** Everything a search can find in a server, lower-cased, in one text: what holds no word of `q` here is not found by it. */
export function textOf({ name, title, tags, capabilities, description }: Searched): string {
  const labels = [...tags, ...capabilities.map((capability) => capability.name)]
  const parts = [name, title ?? '', ...labels, description?.slice(0, described) ?? '']
  return parts.join('\n').toLowerCase()
}

/** From best to worst; 0 is no match. */
const rank = { exact: 9, prefix: 8, name: 7, title: 6, tag: 5, capability: 4, description: 3, near: 2, nearTag: 1 }

/** How well a server answers to all words: as well as to the one it answers to least, but a name that is the whole of `q` is best. */
export function relevance(server: Searched, words: readonly string[], fuzzy: boolean): number {
  if (words.length === 0) return rank.description
  const name = server.name.toLowerCase()
  if (words.length > 1 && name === words.join(' ')) return rank.exact
  let least: number = rank.exact
  for (const word of words) {
    least = Math.min(least, relevanceOfWord(server, name, word, fuzzy))
    if (least === 0) break
  }
  return least
}

function relevanceOfWord(server: Searched, name: string, word: string, fuzzy: boolean): number {
  if (name === word) return rank.exact
  if (name.startsWith(word)) return rank.prefix
  if (name.includes(word)) return rank.name
  if (has(server.title, word)) return rank.title
  if (server.tags.some((tag) => has(tag, word))) return rank.tag
  if (server.capabilities.some((capability) => has(capability.name, word))) return rank.capability
  if (has(server.description?.slice(0, described), word)) return rank.description
  if (!fuzzy) return 0
  if (isNear(name, word)) return rank.near
  return labelsNear(server).some((label) => isNear(label.toLowerCase(), word)) ? rank.nearTag : 0
}

function labelsNear({ tags, capabilities }: Searched): readonly string[] {
  return [...tags, ...capabilities.map((capability) => capability.name)]
}

function has(text: string | undefined, word: string): boolean {
  return text !== undefined && text.toLowerCase().includes(word)
}
