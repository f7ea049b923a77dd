/** Texts of the page of capabilities. */
export const capabilitiesTexts = {
  title: 'Capabilities',
  columns: { name: 'Capability', offered: 'Offered by', versions: 'Versions', tags: 'Tags' },
  find: 'Part of a name',
  kind: 'Kind',
  tag: 'Tag',
  all: 'all',
  filters: 'Filters',
  onlyHealthy: 'Only where a healthy server offers it',
  count: (shown: number, all: number) =>
    shown === all
      ? `${all.toLocaleString('en')} capabilities`
      : `${shown.toLocaleString('en')} of ${all.toLocaleString('en')} capabilities`,
  healthyOf: (healthy: number, all: number) => `${healthy.toLocaleString('en')} of ${all.toLocaleString('en')} healthy`,
  more: (count: number) => `${count.toLocaleString('en')} more`,
  moreGroups: (count: number) =>
    `${count.toLocaleString('en')} more capabilities match; narrow the filters to see them.`,
  ask: (servers: number) =>
    `There are ${servers.toLocaleString('en')} servers. Type at least two letters of a capability to list who offers it.`,
  nothingYet: 'No capabilities yet.',
  nothingYetHelp:
    'Agents declare theirs when they register; those of other servers are learned from their tools once a probe has reached them.',
  nothingMatches: 'No capability matches these filters.',
} as const
