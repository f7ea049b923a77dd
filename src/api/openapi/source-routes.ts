import * as z from 'zod'
import { SourceStatus } from '../../model/status.ts'
import { Anything, Token } from './common-schemas.ts'
import type { RouteDoc } from './route-doc.ts'

export const SourceShape = SourceStatus.unwrap().meta({ id: 'Source' })

export const SuspicionShape = z
  .looseObject({ since: z.string() })
  .describe('Self-preservation: statuses do not follow the probes; `remedy` names the way out.')

export const SourceList = z
  .object({
    sources: z.array(SourceShape),
    count: z.int(),
    conflicts: z.int().describe('Definitions shadowed by a source of higher precedence.'),
    syncing: z.array(z.string()),
    suspicion: SuspicionShape.optional(),
    resource_version: Token,
  })
  .meta({ id: 'SourceList' })

const Changes = z.object({
  added: z.array(z.string()),
  modified: z.array(z.string()),
  deleted: z.array(z.string()),
})

export const RefreshResult = z
  .object({
    source: z.string(),
    changes: Changes,
    held: z.boolean().optional().describe('A sudden shrink waits for a second read.'),
    status: SourceShape.optional(),
    resource_version: Token,
  })
  .meta({ id: 'Refreshed' })

export const DiscoverOutcome = z
  .object({
    sources: z.array(
      z.object({ source: z.string(), changes: Changes, held: z.boolean().optional(), error: z.string().optional() }),
    ),
    added: z.int(),
    modified: z.int(),
    deleted: z.int(),
    failed: z.array(z.string()),
    total: z.int(),
    resource_version: Token,
  })
  .meta({ id: 'Discovered' })

const unknownSource = { 404: 'No such source.', 502: 'Reading the source failed; `detail` has the cause.' }

/** Routes that read sources. */
export const sourceRoutes: Readonly<Record<string, RouteDoc>> = {
  'POST /discover': {
    summary: 'Read every source now',
    group: 'sources',
    response: DiscoverOutcome,
    role: 'admin',
  },
  'GET /sources': { summary: 'List sources with their state', group: 'sources', response: SourceList },
  'GET /sources/:name': {
    summary: 'Get a source with its state',
    group: 'sources',
    response: SourceShape,
    statuses: { 404: unknownSource[404] },
  },
  'POST /sources/:name/refresh': {
    summary: 'Read a source now and return its changes',
    group: 'sources',
    response: RefreshResult,
    statuses: unknownSource,
    role: 'admin',
  },
}

/** Routes that accept what a source would otherwise hold back. */
export const releaseRoutes: Readonly<Record<string, RouteDoc>> = {
  'POST /sources/:name/release': {
    summary: 'Release a source: accept the mass expiry of leases, or a sudden shrink',
    group: 'sources',
    response: Anything,
    query: ['dry_run'],
    statuses: { 404: unknownSource[404] },
    role: 'admin',
  },
}
