import * as z from 'zod'
import { Namespace } from '../model/names.ts'
import type { Entry } from '../model/source.ts'
import { maxRosterHops, rosterPathOf } from '../model/via.ts'
import { identityOf, isFields } from './documents/entry.ts'

const Globs = z.lazy(() => z.array(z.string().min(1).max(253)).min(1))
const EntryFilter = z.lazy(() =>
  z
    .strictObject({
      names: Globs.optional().describe('Names as the directory writes them; `*` stands for anything.'),
      tags: Globs.optional().describe('Tags; `*` stands for anything.'),
    })
    .refine(({ names, tags }) => names !== undefined || tags !== undefined, 'give names, tags or both'),
)
type EntryFilter = z.output<typeof EntryFilter>

/** Config fields that choose which servers of a directory to take, and what to change in them. */
export function selectionFields() {
  return {
    include: EntryFilter.optional().describe(
      'Only servers that match one of the names and one of the tags given here.',
    ),
    exclude: EntryFilter.optional().describe('Skips servers that match one of these names or tags, even if included.'),
    prefix: z.string().min(1).max(100).optional().describe('Put before the name of every server.'),
    tags: z.array(z.string().min(1).max(253)).optional().describe('Added to the tags of every server.'),
    namespace: Namespace.optional().describe('Namespace of the servers that name none themselves.'),
  } as const
}

export type Selection = {
  include?: EntryFilter | undefined
  exclude?: EntryFilter | undefined
  prefix?: string | undefined
  tags?: readonly string[] | undefined
  namespace?: string | undefined
}

/** Whether an entry came from this registry itself, or passed through more rosters than allowed. */
export function isLoop(entry: Entry, isOwnInstance: (instance: string) => boolean): boolean {
  if (!('value' in entry) || !isFields(entry.value) || !isFields(entry.value['metadata'])) return false
  const via = rosterPathOf(entry.value['metadata'])
  return via.length > maxRosterHops || via.some(isOwnInstance)
}

/** Returns a function that maps an entry to its selected form, or to undefined if it is not selected. */
export function createEntrySelector({ include, exclude, prefix = '', tags = [], namespace }: Selection) {
  const isIncluded = createMatcher(include, 'every')
  const isExcluded = createMatcher(exclude, 'some')
  const isUnchanged = prefix === '' && tags.length === 0 && namespace === undefined

  function transform(entry: Entry): Entry {
    if ('problem' in entry) {
      const inNamespace = namespace === undefined ? {} : { namespace: entry.namespace ?? namespace }
      return { ...entry, ...inNamespace, ...(entry.name !== undefined && { name: prefix + entry.name }) }
    }
    if (!('value' in entry) || !isFields(entry.value)) return entry
    const { name, tags: ownTags, namespace: ownNamespace } = entry.value
    const value = { ...entry.value }
    if (typeof name === 'string') value['name'] = prefix + name
    if (tags.length > 0 && (ownTags === undefined || ownTags === null || Array.isArray(ownTags))) {
      value['tags'] = [...new Set<unknown>([...(ownTags ?? []), ...tags])]
    }
    if (namespace !== undefined) value['namespace'] = ownNamespace ?? namespace
    return { ...entry, value }
  }

  return (entry: Entry): Entry | undefined => {
    const { name = '' } = identityOf(entry)
    const ownTags = tagsOf(entry)
    if ((include && !isIncluded(name, ownTags)) || (exclude && isExcluded(name, ownTags))) return undefined
    return isUnchanged ? entry : transform(entry)
  }
}

function createMatcher({ names, tags }: EntryFilter = {}, mode: 'every' | 'some') {
  const conditions = [names && { globs: names, field: 'name' }, tags && { globs: tags, field: 'tags' }].filter(
    (condition) => !!condition,
  )
  return (name: string, ownTags: readonly string[]) =>
    conditions[mode](({ globs, field }) =>
      globs.some((glob) => (field === 'name' ? [name] : ownTags).some((text) => matchesWildcard(glob, text))),
    )
}

function tagsOf(entry: Entry): readonly string[] {
  const tags = 'value' in entry && isFields(entry.value) ? entry.value['tags'] : []
  return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : []
}

/** Whether `text` matches `glob`, where `*` stands for anything. Takes linear time for any text. */
export function matchesWildcard(glob: string, text: string): boolean {
  const [head = '', ...rest] = glob.split('*')
  const tail = rest.pop()
  if (tail === undefined) return glob === text
  if (!text.startsWith(head) || !text.endsWith(tail) || text.length < head.length + tail.length) return false
  let offset = head.length
  for (const part of rest) {
    const index = text.indexOf(part, offset)
    if (index < 0) return false
    offset = index + part.length
  }
  return offset <= text.length - tail.length
}
