import * as z from 'zod'
import { Stability } from '../capability.ts'
import { parseFlag } from '../data/flag.ts'
import { Status } from '../health.ts'
import { Namespace } from '../names.ts'
import { memoizedSchema } from '../schema/lazy-schema.ts'
import { Server, Transport } from '../server.ts'
import { parseSelector, formatSelector } from './selector.ts'
import { matchingVersion } from './version.ts'

const maxPageSize = 10_000
const pageRule = `must be a whole number from 1 to ${maxPageSize}`

const text = (maxChars = 253) => z.string().min(1).max(maxChars, `must be at most ${maxChars} characters`)

/** A list given as one text or a list, and with `csv` as comma-separated text. Sorted, without duplicates. */
function listOf<T extends z.ZodType<string>>(item: T, { csv = false } = {}) {
  const split = (value: unknown) =>
    csv && typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value
  const flatten = (value: unknown) =>
    typeof value === 'string' || Array.isArray(value)
      ? [value]
          .flat()
          .flatMap(split)
          .filter((part) => part !== '')
      : value
  return z
    .preprocess(flatten, z.array(item).max(64, 'must be at most 64 values'))
    .overwrite((values) => [...new Set(values)].toSorted())
    .default([])
}

/** `true` and `false` in any case, `1` and `0`. */
const flag = () =>
  z.preprocess(
    (value) => (typeof value === 'string' ? (parseFlag(value) ?? value) : value),
    z.boolean('must be true or false'),
  )

const Selector = z.lazy(() =>
  z
    .string()
    .max(4096, 'must be at most 4096 characters')
    .transform((value, context) => {
      try {
        return parseSelector(value)
      } catch (error) {
        context.addIssue({ code: 'custom', message: `Invalid label selector: ${(error as Error).message}` })
        return z.NEVER
      }
    }),
)

const sortFields = [
  'name',
  'namespace',
  'status',
  'status_since',
  'response_time',
  'source',
  'type',
  'created_at',
  'updated_at',
] as const
export type SortKey = (typeof sortFields)[number]
const sortKeys = sortFields.flatMap((key) => [key, `-${key}` as const])

/** A query of the list of servers. Every given condition must hold; an absent one does not restrict. */
export const ServerQuery = memoizedSchema(() =>
  z.strictObject({
    namespace: listOf(Namespace, { csv: true }).describe(
      'Only servers of this namespace; repeat it for any of several.',
    ),
    name: text().optional().describe('Only servers with this exact name.'),
    tag: listOf(text()).describe('Only servers with this tag; repeat it to require several.'),
    any_tag: listOf(text(), { csv: true }).describe('Only servers with at least one of these tags.'),
    status: listOf(
      z.preprocess((value) => (value === 'expired' ? 'offline' : value), Status),
      { csv: true },
    ).describe('Only servers in one of these states. `expired` means `offline`.'),
    source: listOf(text(63), { csv: true }).describe(
      'Only servers that this source defines; repeat it for any of several.',
    ),
    type: listOf(Transport, { csv: true }).describe('Only servers with this transport; repeat it for any of several.'),
    enabled: flag().optional().describe('Only enabled servers, or only disabled ones.'),
    label_selector: Selector.optional().describe(
      'Only servers whose labels match this selector, in the grammar of Kubernetes: `env=prod,tier in (a,b),!beta`.',
    ),
    capability: listOf(text()).describe(
      'Only servers with this capability; repeat it for any of several. `*`: any capability.',
    ),
    tool: listOf(text()).describe(
      'Only servers with this tool, by its own name or that of the capability which it carries out; repeat it for any of several.',
    ),
    prompt: listOf(text()).describe('Only servers with this prompt; repeat it for any of several.'),
    resource: listOf(text()).describe('Only servers with the resource of this URI; repeat it for any of several.'),
    extension: listOf(text()).describe(
      'Only servers with this extension of MCP, such as io.modelcontextprotocol/ui; repeat it for any of several.',
    ),
    capability_category: text().optional().describe('Only servers with a capability of this category.'),
    capability_stability: Stability.optional().describe('Only servers with a capability of this stability.'),
    capability_tags: listOf(text(), { csv: true }).describe(
      'Only servers with a capability that has one of these tags.',
    ),
    version_constraint: text(256)
      .refine((value) => matchingVersion(value) !== undefined, 'must be a version range, such as ^1.2 or ">=1 <3"')
      .optional()
      .describe('Only servers with a capability whose version is in this range.'),
    q: text(256)
      .optional()
      .describe('Only servers whose name, title, description, tags or capabilities contain each of these words.'),
    fuzzy_match: flag().default(false).describe('Whether `q` and `capability` also match near spellings.'),
    sort: z
      .enum(sortKeys, `must be one of ${sortFields.join(', ')}, with "-" in front for descending order`)
      .optional()
      .describe(
        'Sort order. Default: by name; with `q`, by relevance. Pages sorted by name show every server that exists throughout exactly once. In another order, a server whose key changes meanwhile may be shown twice or not at all. `response_time` is that of the last probe: servers without one come last in both orders, and such an answer has no ETag.',
      ),
    limit: z
      .preprocess(
        (value) => (typeof value === 'string' && /^[-+]?\d{1,15}$/.test(value) ? Number(value) : value),
        z.number(pageRule).int(pageRule).min(1, pageRule).max(maxPageSize, pageRule),
      )
      .optional()
      .describe('Servers per page. Without it, the answer holds all.'),
    continue: z.string().max(4096).optional().describe('The `continue` token of the previous page.'),
    fields: listOf(z.enum(Object.keys(Server.unwrap().shape) as (keyof Server)[], 'must be a field of a server'), {
      csv: true,
    }).describe('Only these fields. Others are omitted even where the schema requires them.'),
    view: z
      .enum(['full'], 'must be "full"')
      .optional()
      .describe('`full` adds the fields that change with every probe and heartbeat; such an answer has no ETag.'),
  }),
)
export type ServerQuery = z.output<typeof ServerQuery>

/** Whether an answer shows, or is ordered by, what changes without a revision: it is neither kept nor compared by one. */
export function isVolatile({ view, sort }: Pick<ServerQuery, 'view' | 'sort'>): boolean {
  return view === 'full' || sort === 'response_time' || sort === '-response_time'
}

/** Whether the order is one of times, which differ between daemons in an equal state. */
export function isByTime({ sort }: Pick<ServerQuery, 'sort'>): boolean {
  return sort !== undefined && /^-?(?:created_at|updated_at|status_since)$/.test(sort)
}

/** The query without any condition. */
export const unfilteredQuery: ServerQuery = {
  namespace: [],
  source: [],
  type: [],
  capability: [],
  tool: [],
  prompt: [],
  resource: [],
  extension: [],
  tag: [],
  any_tag: [],
  status: [],
  capability_tags: [],
  fuzzy_match: false,
  fields: [],
}

/** The filter of a query as text, equal for equal filters. Watches with equal filters share their work. */
export function canonicalFilter(query: ServerQuery): string {
  const { sort: _sort, limit: _limit, continue: _continue, fields: _fields, view: _view, ...filter } = query
  return canonicalText(filter)
}

/** The whole query as text, equal for equal queries, whatever the order of their parameters. */
export function canonicalQuery(query: ServerQuery): string {
  return canonicalText(query)
}

function canonicalText({ label_selector, ...others }: Partial<ServerQuery>): string {
  const entries: [string, unknown][] = Object.entries(others).filter(
    ([key, value]) =>
      value !== undefined && !(Array.isArray(value) && value.length === 0) && !(key === 'fuzzy_match' && !value),
  )
  if (label_selector && label_selector.length > 0) entries.push(['label_selector', formatSelector(label_selector)])
  return JSON.stringify(entries.toSorted(([one], [other]) => (one < other ? -1 : 1)))
}
