/** Texts of the pages of sources. */
export const sourcesTexts = {
  title: 'Sources',
  columns: { name: 'Name', type: 'Type', state: 'State', servers: 'Servers', rejected: 'Rejected', last: 'Last look' },
  states: {
    synced: { shape: '●', word: 'synced', like: 'healthy' },
    degraded: { shape: '▲', word: 'degraded', like: 'degraded' },
    stale: { shape: '■', word: 'stale', like: 'unhealthy' },
    starting: { shape: '◌', word: 'starting', like: 'pending' },
    disabled: { shape: '○', word: 'disabled', like: 'unknown' },
  },
  conflicts: (count: number) =>
    count === 0
      ? 'No definitions of the same name.'
      : `${count.toLocaleString('en')} ${count === 1 ? 'definition is' : 'definitions are'} shadowed by a source of higher precedence.`,
  showConflicts: 'Show the servers that shadow them',
  discover: 'Read all sources now',
  read: 'Read now',
  release: 'Release',
  readDone: (added: number, modified: number, deleted: number) =>
    `${added} added, ${modified} modified, ${deleted} deleted.`,
  released: 'Released.',
  unknown: (name: string) => `There is no source ${name}.`,
  allSources: 'All sources',
  servers: 'Its servers',
  staleServers: 'Those that are stale',
  facts: {
    state: 'State',
    note: 'Note',
    error: 'Last error',
    attempt: 'Last look',
    success: 'Last success',
    change: 'Last change',
    next: 'Next look',
    failures: 'Failures in a row',
    restarts: 'Restarts',
    servers: 'Definitions',
    shadowed: 'Shadowed',
  },
  held: (removes: number) => `A reading would remove ${removes.toLocaleString('en')} servers.`,
  heldWhy: 'It waits for a second reading that confirms it. Release it if it is meant.',
  rejections: 'Rejected entries',
  rejectionsNext: 'Correct each entry as its reason says. A file is read again as soon as it is saved.',
  noRejections: 'No entry is rejected.',
  moreRejections: (count: number) => `${count.toLocaleString('en')} more are not listed.`,
  kept: 'The last good version is still served, marked stale.',
  origins: 'Origins',
  originColumns: { origin: 'Origin', servers: 'Servers', state: 'State' },
  fine: 'read',
  history: 'History',
  nothingHappened: 'Nothing has been recorded.',
  show: 'Show the file at this line:',
} as const

/** Texts of the broken line of a document. */
export const sourceExcerptTexts = {
  excerpt: '▸ marks the error. Names and values are not shown (…): they may be secrets.',
} as const
