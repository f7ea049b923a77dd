/** Texts of the list of servers. */
export const serverListTexts = {
  title: 'Servers',
  search: 'Search',
  searchHint: 'Name, tag, tool… (press /)',
  columns: {
    status: 'Status',
    name: 'Name',
    namespace: 'Namespace',
    type: 'Type',
    source: 'Source',
    since: 'Since',
    response: 'Response',
    tools: 'Tools',
    tags: 'Tags',
  },
  ms: (ms: number) => `${ms < 10 ? ms.toFixed(1) : Math.round(ms).toLocaleString('en')} ms`,
  all: 'all',
  filters: 'Filters',
  clear: 'Clear filters',
  count: (shown: number, all: number) =>
    shown === all
      ? `${all.toLocaleString('en')} servers`
      : `${shown.toLocaleString('en')} of ${all.toLocaleString('en')} servers`,
  loading: (known: number, all: number) => `Loading ${known.toLocaleString('en')} of ${all.toLocaleString('en')}…`,
  pause: 'Pause',
  resume: (count: number) => (count > 0 ? `Resume (${count.toLocaleString('en')} changes)` : 'Resume'),
  group: 'Group by',
  noGroup: 'nothing',
  nothingYet: 'No servers yet.',
  nothingYetHelp: 'Drop a file into a watched folder (such as /etc/mcp), or add one here; it appears at once.',
  nothingMatches: 'No server matches these filters.',
  disabled: 'disabled',
  stale: 'stale',
  sortedBy: (column: string, isDescending: boolean) => `${column}, ${isDescending ? 'descending' : 'ascending'}`,
} as const
