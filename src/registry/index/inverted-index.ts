import { lineEnds, type LineEnds, searchTextOf } from '../../model/query/search.ts'
import type { Server } from '../../model/server.ts'
import { type IndexField, indexedFields } from './indexed-fields.ts'
import { type Posting, withoutSlot, withSlot } from './postings.ts'
import { lettersOf } from './text-search.ts'

export type InvertedIndex = ReturnType<typeof createInvertedIndex>

const names = Object.keys(indexedFields) as IndexField[]

/** Which slots hold which values, per field, and the text that words are looked for in. */
export function createInvertedIndex() {
  const postings = Object.fromEntries(names.map((field) => [field, new Map<string, Posting>()])) as Record<
    IndexField,
    Map<string, Posting>
  >
  const noted: (Server | undefined)[] = []
  const texts: (string | undefined)[] = []
  const ends: number[] = []
  const letters: number[] = []
  /** Lent to whoever asks next. */
  const lent = { name: 0, title: 0, tags: 0, capabilities: 0 }

  /** Files a server under what it is now, and no longer under what it was; undefined takes it out. */
  function note(slot: number, now: Server | undefined): void {
    const before = noted[slot]
    if (before === now) return
    noted[slot] = now
    for (const field of names) {
      if (before && now && indexedFields[field].inputOf(before) === indexedFields[field].inputOf(now)) continue
      if (before) for (const value of indexedFields[field].valuesOf(before)) takeOut(field, value, slot)
      if (now) for (const value of indexedFields[field].valuesOf(now)) putIn(field, value, slot)
    }
    if (before && now && sameText(before, now)) return
    texts[slot] = now && searchTextOf(now)
    keepEnds(slot, lineEnds(texts[slot] ?? ''))
    letters[slot] = now ? lettersOf(now.name.toLowerCase()) : 0
  }

  function keepEnds(slot: number, { name, title, tags, capabilities }: LineEnds): void {
    const at = 4 * slot
    ends[at] = name
    ends[at + 1] = title
    ends[at + 2] = tags
    ends[at + 3] = capabilities
  }

  function endsAt(slot: number): LineEnds {
    const at = 4 * slot
    lent.name = ends[at] ?? 0
    lent.title = ends[at + 1] ?? 0
    lent.tags = ends[at + 2] ?? 0
    lent.capabilities = ends[at + 3] ?? 0
    return lent
  }

  function putIn(field: IndexField, value: string, slot: number): void {
    const posting = postings[field].get(value)
    const grown = withSlot(posting, slot, noted.length)
    if (grown !== posting) postings[field].set(value, grown)
  }

  function takeOut(field: IndexField, value: string, slot: number): void {
    const posting = postings[field].get(value)
    const rest = withoutSlot(posting, slot, noted.length)
    if (rest === undefined) postings[field].delete(value)
    else if (rest !== posting) postings[field].set(value, rest)
  }

  return {
    note,
    noted: (slot: number) => noted[slot],
    text: (slot: number) => texts[slot] ?? '',
    /** Where its lines end; until the next is asked for. */
    lineEnds: endsAt,
    nameLetters: (slot: number) => letters[slot] ?? 0,
    posting: (field: IndexField, value: string) => postings[field].get(value),
    values: (field: IndexField): Iterable<string> => postings[field].keys(),
    entries: (field: IndexField): Iterable<[string, Posting]> => postings[field],
  }
}

function sameText(one: Server, other: Server): boolean {
  const same = one.title === other.title && one.description === other.description
  return same && one.tags === other.tags && one.capabilities === other.capabilities
}
