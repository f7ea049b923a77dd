import * as z from 'zod'
import { Stability } from '../capability.ts'
import { Status } from '../health.ts'
import { Namespace } from '../names.ts'
import { memoizedSchema } from '../schema/lazy-schema.ts'
import { Server, Transport } from '../server.ts'
import { parseSelector, formatSelector } from './selector.ts'
import { matchingVersion } from './version.ts'

const maxPageSize = 10_000
const pageRule = `must be a whole number from 1 to ${maxPageSize}`

const text = (most = 253) => z.string().min(1).max(most, `must be at most ${most} characters`)

/** Several values: one text, a list, and with `csv` a text with commas in it. Kept sorted, each once. */
function listOf<T extends z.ZodType<string>>(one: T, { csv = false } = {}) {
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
    .preprocess(flatten, z.array(one).max(64, 'must be at most 64 values'))
    .overwrite((values) => [...new Set(values)].toSorted())
    .default([])
}

/** `true` and `false` in any case, `1` and `0`. */
const flag = () =>
  z.preprocess((value) => {
    if (typeof value !== 'string') return value
    const said = value.toLowerCase()
    if (said === 'true' || said === '1') return true
    return said === 'false' || said === '0' ? false : value
  }, z.boolean('must be true or false'))

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

const sortFields = ['name', 'namespace', 'status', 'source', 'type', 'created_at', 'updated_at'] as const
export type SortKey = (typeof sortFields)[number]
const sortKeys = sortFields.flatMap((key) => [key, `-${key}` as const])

/** Everything that can be asked of the list of servers. What is not given does not restrict; what is given must all hold. */
export const ServerQuery = memoizedSchema(() =>
  z.strictObject({
    namespace: Namespace.optional().describe('Only servers of this namespace.'),
    name: text().optional().describe('Only servers of this very name.'),
    tag: listOf(text()).describe('Only servers that carry this tag; given several times, all of them.'),
    any_tag: listOf(text(), { csv: true }).describe('Only servers that carry at least one of these tags.'),
    status: listOf(
      z.preprocess((value) => (value === 'expired' ? 'offline' : value), Status),
      { csv: true },
    ).describe('Only servers in one of these states. `expired` means `offline`.'),
    source: text(63).optional().describe('Only servers that this source defines.'),
    type: Transport.optional().describe('Only servers reached this way.'),
    enabled: flag().optional().describe('Only servers that are enabled, or only those that are not.'),
    label_selector: Selector.optional().describe(
      'Only servers whose labels satisfy this selector, in the grammar of Kubernetes: `env=prod,tier in (a,b),!beta`.',
    ),
    capability: text().optional().describe('Only servers that have this capability. `*`: any capability.'),
    capability_category: text().optional().describe('Only servers that have a capability of this category.'),
    capability_stability: Stability.optional().describe('Only servers that have a capability this stable.'),
    capability_tags: listOf(text(), { csv: true }).describe(
      'Only servers that have a capability with one of these tags.',
    ),
    version_constraint: text(256)
      .refine((value) => matchingVersion(value) !== undefined, 'must be a range of versions, such as ^1.2 or ">=1 <3"')
      .optional()
      .describe('Only servers that have a capability whose version is in this range.'),
    q: text(256)
      .optional()
      .describe('Only servers whose name, title, description, tags or capabilities contain each of these words.'),
    fuzzy_match: flag().default(false).describe('Whether `q` and `capability` also find what is spelled nearly so.'),
    sort: z
      .enum(sortKeys, `must be one of ${sortFields.join(', ')}, with "-" before it for the other way round`)
      .optional()
      .describe(
        'Order of the list: by name unless said, with `q` the best first. Pages by name show everything once that was there throughout; in another order, what changes its place meanwhile may be shown twice, or not at all.',
      ),
    limit: z
      .preprocess(
        (value) => (typeof value === 'string' && /^[-+]?\d{1,15}$/.test(value) ? Number(value) : value),
        z.number(pageRule).int(pageRule).min(1, pageRule).max(maxPageSize, pageRule),
      )
      .optional()
      .describe('How many servers one page holds. Without it, the answer is everything.'),
    continue: z.string().max(4096).optional().describe('Where the page before ended, as its answer said.'),
    fields: listOf(z.enum(Object.keys(Server.unwrap().shape) as (keyof Server)[], 'is no field of a server'), {
      csv: true,
    }).describe('Show these fields only; those left out are missing even where the schema needs them.'),
    view: z
      .enum(['full'], 'must be "full"')
      .optional()
      .describe('`full` adds what moves with every probe and heartbeat; such an answer has no ETag.'),
  }),
)
export type ServerQuery = z.output<typeof ServerQuery>

/** The query that asks for everything. */
export const unfilteredQuery: ServerQuery = {
  tag: [],
  any_tag: [],
  status: [],
  capability_tags: [],
  fuzzy_match: false,
  fields: [],
}

/** The filter of a query alone, as text that is equal for equal filters: what watchers share. */
export function canonicalFilter(query: ServerQuery): string {
  const { sort: _sort, limit: _limit, continue: _continue, fields: _fields, view: _view, ...filter } = query
  return canonicalText(filter)
}

/** A whole query as text that is equal for equal questions, whatever order they were asked in. */
export function canonicalQuery(query: ServerQuery): string {
  return canonicalText(query)
}

function canonicalText({ label_selector, ...rest }: Partial<ServerQuery>): string {
  const given: [string, unknown][] = Object.entries(rest).filter(
    ([key, value]) =>
      value !== undefined && !(Array.isArray(value) && value.length === 0) && !(key === 'fuzzy_match' && !value),
  )
  if (label_selector && label_selector.length > 0) given.push(['label_selector', formatSelector(label_selector)])
  return JSON.stringify(given.toSorted(([one], [other]) => (one < other ? -1 : 1)))
}
