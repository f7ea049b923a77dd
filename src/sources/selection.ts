import * as z from 'zod'
import { Namespace } from '../model/names.ts'
import type { Entry } from '../model/source.ts'
import { maxRosterHops, rosterPathOf } from '../model/via.ts'
import { identityOf } from './origin-poller.ts'

const Globs = z.lazy(() => z.array(z.string().min(1).max(253)).min(1))
const Filter = z.lazy(() =>
  z
    .strictObject({
      names: Globs.optional().describe('Names as the directory writes them; `*` stands for anything.'),
      tags: Globs.optional().describe('Tags; `*` stands for anything.'),
    })
    .refine(({ names, tags }) => names !== undefined || tags !== undefined, 'give names, tags or both'),
)
type Filter = z.output<typeof Filter>

/** Which servers of a directory are taken over, and as what. */
export function selectionFields() {
  return {
    include: Filter.optional().describe('Only servers that match one of the names and one of the tags given here.'),
    exclude: Filter.optional().describe('Not the servers that match one of these names or tags, even if included.'),
    prefix: z.string().min(1).max(100).optional().describe('Put before the name of every server.'),
    tags: z.array(z.string().min(1).max(253)).optional().describe('Added to the tags of every server.'),
    namespace: Namespace.optional().describe('Namespace of the servers that name none themselves.'),
  } as const
}

export type Selection = {
  include?: Filter | undefined
  exclude?: Filter | undefined
  prefix?: string | undefined
  tags?: readonly string[] | undefined
  namespace?: string | undefined
}

/** Whether an entry has come from this very registry, or through more rosters than any should. */
export function isLoop(entry: Entry, isOwnInstance: (instance: string) => boolean): boolean {
  if (!('value' in entry) || !isFields(entry.value) || !isFields(entry.value['metadata'])) return false
  const via = rosterPathOf(entry.value['metadata'])
  return via.length > maxRosterHops || via.some(isOwnInstance)
}

/** A function that answers with an entry as it is taken over, or undefined where it is not. */
export function createEntrySelector({ include, exclude, prefix = '', tags = [], namespace }: Selection) {
  const isIncluded = matcher(include, 'every')
  const isExcluded = matcher(exclude, 'some')
  const isPlain = prefix === '' && tags.length === 0 && namespace === undefined

  function shaped(entry: Entry): Entry {
    if ('problem' in entry) {
      const of = namespace === undefined ? {} : { namespace: entry.namespace ?? namespace }
      return { ...entry, ...of, ...(entry.name !== undefined && { name: prefix + entry.name }) }
    }
    if (!('value' in entry) || !isFields(entry.value)) return entry
    const { name, tags: own, namespace: said } = entry.value
    const value = { ...entry.value }
    if (typeof name === 'string') value['name'] = prefix + name
    if (tags.length > 0 && (own === undefined || own === null || Array.isArray(own))) {
      value['tags'] = [...new Set<unknown>([...(own ?? []), ...tags])]
    }
    if (namespace !== undefined) value['namespace'] = said ?? namespace
    return { ...entry, value }
  }

  return (entry: Entry): Entry | undefined => {
    const { name, tags } = factsOf(entry)
    if ((include && !isIncluded(name, tags)) || (exclude && isExcluded(name, tags))) return undefined
    return isPlain ? entry : shaped(entry)
  }
}

function matcher({ names, tags }: Filter = {}, how: 'every' | 'some') {
  const asked = [names && { globs: names, of: 'name' }, tags && { globs: tags, of: 'tags' }].filter((one) => !!one)
  return (name: string, own: readonly string[]) =>
    asked[how](({ globs, of }) =>
      globs.some((glob) => (of === 'name' ? [name] : own).some((text) => matchesWildcard(glob, text))),
    )
}

function factsOf(entry: Entry): { name: string; tags: readonly string[] } {
  const { name = '' } = identityOf(entry)
  const tags = 'value' in entry && isFields(entry.value) ? entry.value['tags'] : []
  return { name, tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [] }
}

/** Whether `text` is what `glob` says, in time that grows with the text alone, whatever stranger wrote it. */
export function matchesWildcard(glob: string, text: string): boolean {
  const [head = '', ...rest] = glob.split('*')
  const tail = rest.pop()
  if (tail === undefined) return glob === text
  if (!text.startsWith(head) || !text.endsWith(tail) || text.length < head.length + tail.length) return false
  let at = head.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return at <= text.length - tail.length
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
