/** Texts of the page of statistics. */
export const statisticsTexts = {
  title: 'Statistics',
  why: 'What probes showed. Kept over restarts; the oldest part is dropped.',
  windows: { '1h': 'Last hour', '24h': 'Last day', '7d': 'Last week' },
  facts: {
    availability: 'Availability',
    probes: 'Probes',
    p50: 'Median response',
    p95: '95 % of responses within',
    flaps: 'Changes of status',
    measured: 'Servers measured',
  },
  of: (measured: number, servers: number) => `${measured.toLocaleString('en')} of ${servers.toLocaleString('en')}`,
  none: 'none yet',
  chart: 'Availability over time',
  chartSummary: (worst: string, window: string) => `${window}: the worst part was ${worst} available.`,
  nothing: 'No probe in this window.',
  errors: 'Failures by reason',
  noErrors: 'No probe failed.',
  errorColumns: { count: 'Probes', reason: 'Reason' },
  worst: 'Least available servers',
  worstColumns: { server: 'Server', availability: 'Availability', p95: '95 % within', flaps: 'Changes' },
} as const
