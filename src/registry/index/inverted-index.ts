import { lineEnds, type LineEnds, searchTextOf } from '../../model/query/search.ts'
import type { Server } from '../../model/server.ts'
import { type IndexField, indexedFields } from './indexed-fields.ts'
import { type Posting, withoutSlot, withSlot } from './postings.ts'
import { lettersOf } from './text-search.ts'

const fieldNames = Object.keys(indexedFields) as IndexField[]

/** By field and value, the slots of the servers that have the value; by slot, the text that searches look at. */
export function createInvertedIndex() {
  const postings = Object.fromEntries(fieldNames.map((field) => [field, new Map<string, Posting>()])) as Record<
    IndexField,
    Map<string, Posting>
  >
  const servers: (Server | undefined)[] = []
  const texts: (string | undefined)[] = []
  const ends: number[] = []
  const letters: number[] = []
  /** Returned by every `lineEnds`, so that a search allocates nothing per server. */
  const scratch = { name: 0, title: 0, tags: 0, capabilities: 0 }

  /** Replaces what is indexed for a slot; undefined removes it. */
  function update(slot: number, now: Server | undefined): void {
    const before = servers[slot]
    if (before === now) return
    servers[slot] = now
    for (const field of fieldNames) {
      const { inputOf, valuesOf } = indexedFields[field]
      if (before && now && inputOf(before) === inputOf(now)) continue
      if (before) for (const value of valuesOf(before)) remove(field, value, slot)
      if (now) for (const value of valuesOf(now)) add(field, value, slot)
    }
    if (before && now && hasSameText(before, now)) return
    texts[slot] = now && searchTextOf(now)
    setLineEnds(slot, lineEnds(texts[slot] ?? ''))
    letters[slot] = now ? lettersOf(now.name.toLowerCase()) : 0
  }

  function setLineEnds(slot: number, { name, title, tags, capabilities }: LineEnds): void {
    const at = 4 * slot
    ends[at] = name
    ends[at + 1] = title
    ends[at + 2] = tags
    ends[at + 3] = capabilities
  }

  function lineEndsOf(slot: number): LineEnds {
    const at = 4 * slot
    scratch.name = ends[at] ?? 0
    scratch.title = ends[at + 1] ?? 0
    scratch.tags = ends[at + 2] ?? 0
    scratch.capabilities = ends[at + 3] ?? 0
    return scratch
  }

  function add(field: IndexField, value: string, slot: number): void {
    const posting = postings[field].get(value)
    const grown = withSlot(posting, slot, servers.length)
    if (grown !== posting) postings[field].set(value, grown)
  }

  function remove(field: IndexField, value: string, slot: number): void {
    const posting = postings[field].get(value)
    const remaining = withoutSlot(posting, slot, servers.length)
    if (remaining === undefined) postings[field].delete(value)
    else if (remaining !== posting) postings[field].set(value, remaining)
  }

  return {
    update,
    /** The server that is indexed for a slot. */
    indexed: (slot: number) => servers[slot],
    text: (slot: number) => texts[slot] ?? '',
    /** Where the lines of the text end; valid until the next call. */
    lineEnds: lineEndsOf,
    nameLetters: (slot: number) => letters[slot] ?? 0,
    posting: (field: IndexField, value: string) => postings[field].get(value),
    values: (field: IndexField): Iterable<string> => postings[field].keys(),
    entries: (field: IndexField): Iterable<[string, Posting]> => postings[field],
  }
}

function hasSameText(one: Server, other: Server): boolean {
  const isSameProse = one.title === other.title && one.description === other.description
  return isSameProse && one.tags === other.tags && one.capabilities === other.capabilities
}
