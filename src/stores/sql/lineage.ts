import { type Rewound, isNewer } from '../store.ts'
import type { SqlRow } from './stored-rows.ts'

export type Lineage = ReturnType<typeof createLineage>

/** What a database says of its history. */
export type HistoryFacts = {
  readonly version: string
  readonly epoch: string
  /** Changes whenever a daemon notices that the database went back. */
  readonly lineage: string
  /** The version to which it went back. */
  readonly rewound: string
  /** Identifies the server and its timeline; empty where it cannot be told. */
  readonly server: string
}

/**
 * Notices a database that is not the one this daemon has followed: by a version below the highest that it has seen, by the epoch, by
 * the mark that another daemon left which noticed first, or by a server never seen before.
 */
export function createLineage() {
  let highest = '0'
  let lastName: string | undefined
  const servers = new Set<string>()

  /** Notes a version that the database has assigned. */
  function see(version: string): void {
    if (isNewer(version, highest)) highest = version
  }

  /** Notes the database as it is when it is read completely. */
  function begin(facts: HistoryFacts): void {
    lastName ??= nameOf(facts)
    servers.add(facts.server)
  }

  /** What became of the history that a cursor at `version` belongs to; undefined where it goes on. */
  function compare(
    facts: HistoryFacts,
    cursor: { readonly version: string; readonly lineage?: string },
  ): Omit<Rewound, 'deleted'> | undefined {
    const isNewServer = servers.size > 0 && !servers.has(facts.server)
    begin(facts)
    const expected = cursor.lineage ?? lastName
    // The caller reads everything, and its next cursor begins there.
    lastName = nameOf(facts)
    if (!expected?.startsWith(`${facts.epoch} `)) return { to: '0', reason: 'other database' }
    if (expected !== lastName) return { to: facts.rewound, reason: 'older copy' }
    return isNewServer ? { to: cursor.version, reason: 'other server' } : undefined
  }

  return { see, begin, compare, highest: () => highest, isBehind: (version: string) => isNewer(highest, version) }
}

/** The name of a history, for a cursor. */
export function nameOf({ epoch, lineage }: Pick<HistoryFacts, 'epoch' | 'lineage'>): string {
  return `${epoch} ${lineage}`
}

/** Reads the facts of the row or rows of `roster_meta`: `valueOf` returns the value of a key. */
export function historyFacts(valueOf: (key: string) => string | undefined, row: SqlRow | undefined) {
  const server = row?.['server']
  const text = (key: string) => valueOf(key) ?? '0'
  return {
    epoch: text('epoch'),
    version: text('version'),
    forgotten: text('forgotten'),
    lineage: text('lineage'),
    rewound: text('rewound'),
    server: typeof server === 'string' ? server : '',
    now: Number(row?.['now']),
  }
}
