import type { Server } from '../../client/index.ts'

/** Texts of the page of one server. */
export const serverTexts = {
  servers: 'Servers',
  unknown: (id: string) => `There is no server ${id}.`,
  unknownHelp: 'No source defines it, or this token may not see it.',
  removed: 'This server was removed: no source defines it any more. This is the last that was known of it.',
  allServers: 'All servers',
  disabled: 'disabled',
  stale: 'stale',
  staleHelp: 'Its origin fails now; this is the last good definition.',
  remedy: 'What to do:',
  facts: {
    since: 'In this state',
    checked: 'Last probe',
    response: 'Response time',
    failures: 'Failures in a row',
    protocol: 'MCP revision',
    version: 'Version',
    type: 'Transport',
    address: 'Address',
    tags: 'Tags',
    updated: 'Last change',
    created: 'Known',
    depends: 'Needs',
  },
  from: {
    title: 'Where it comes from',
    source: 'Source',
    origin: 'Origin',
    method: 'Found by',
    shadows: 'Also defined in',
    next: (source: string, origin: string) => `Without it, the definition of ${source} (${origin}) takes its place.`,
    alone: 'No other source defines it.',
    columns: { order: 'Order', source: 'Source', origin: 'Origin' },
    inForce: 'in force',
  },
  methods: {
    config_file: 'a config file',
    environment: 'the environment of the daemon',
    kubernetes: 'Kubernetes',
    http_discovery: 'a directory over HTTP',
    dns_srv: 'DNS records',
    roster: 'another roster',
    manual: 'written by hand',
    registered: 'it registered itself',
  } satisfies Record<Server['discovery_method'], string>,
  probes: {
    title: 'Last probes',
    none: 'It has not been probed yet.',
    never: 'It is not probed.',
    summary: (count: number, good: number, low: string, high: string) =>
      `${good} of ${count} probes succeeded; answers took ${low} to ${high}.`,
    lastFailure: (meaning: string, ago: string) => `The last failure was ${ago} ago: ${meaning}`,
    table: 'As a table',
    columns: { at: 'Time', result: 'Result', response: 'Response time' },
    good: 'ok',
    oldest: 'oldest',
    newest: 'newest',
  },
  stats: {
    title: 'Availability',
    columns: { window: 'Time', availability: 'Available', p50: 'p50', p95: 'p95', probes: 'Probes' },
    nothing: 'no probe',
    cover: (text: string) => `known for ${text}`,
  },
  definition: {
    title: 'Definition',
    why: 'As the daemon holds it, secrets replaced; what it learned from the server itself is left out.',
    yaml: 'YAML',
    json: 'JSON',
  },
  offers: {
    title: 'What it offers',
    none: 'Nothing is known of its tools; the daemon learns them when it probes a server that speaks MCP.',
    filter: 'Filter',
    noneMatches: 'Nothing matches.',
    kinds: {
      tool: 'Tools',
      prompt: 'Prompts',
      resource: 'Resources',
      extension: 'Extensions',
      declared: 'Declared',
    },
    try: 'Try it',
    noSchema: 'It names no input.',
    schema: 'Schema',
    declared: 'by its definition',
    columns: { name: 'Parameter', type: 'Type', about: 'Description' },
    required: 'required',
    byDefault: (value: string) => `default ${value}`,
    oneOf: (values: string) => `one of ${values}`,
  },
  copy: 'Copy',
  copied: 'Copied.',
  notCopied: 'The browser does not allow that; the text is selected: copy it by hand.',
} as const

/** A duration of an answer. */
export function milliseconds(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toLocaleString('en', { maximumFractionDigits: 1 })} s`
  return `${ms.toLocaleString('en', { maximumSignificantDigits: ms < 10 ? 2 : 3 })} ms`
}
