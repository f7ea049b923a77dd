import * as z from 'zod'
import { Reason } from '../../../model/health.ts'
import { DefinitionFields, Override } from '../../../model/server.ts'
import { problemCodes } from '../common-schemas.ts'
import { ServerDetail } from './server-schemas.ts'

/** The body that creates or replaces a manual server. */
export const Definition = DefinitionFields.unwrap()
  .partial()
  .meta({ id: 'ServerDefinition', description: 'Needs `command` or `url`; the name is in the path.' })

export const NamedDefinition = DefinitionFields.unwrap()
  .partial()
  .required({ name: true })
  .meta({ id: 'NamedServerDefinition', description: 'Needs `name`, and `command` or `url`.' })

export const OverrideBody = z.object({ enabled: z.boolean() }).meta({ id: 'OverrideBody' })

export const OverrideSet = z.object({ id: z.string(), override: Override.unwrap() }).meta({ id: 'OverrideSet' })

export const OverrideList = z
  .object({
    overrides: z.array(
      Override.unwrap().extend({ id: z.string(), present: z.boolean().describe('A source shows the server now.') }),
    ),
    count: z.int(),
  })
  .meta({ id: 'OverrideList' })

export const DryRun = z
  .object({
    dry_run: z.literal(true),
    action: z.enum(['create', 'replace', 'delete', 'none']).describe('`none`: the server is so already.'),
    server: DefinitionFields.unwrap()
      .extend({ id: z.string() })
      .describe('The definition that would be stored or deleted, secrets redacted.'),
  })
  .meta({ id: 'DryRun', description: 'What a write would do.' })

export const OverrideDryRun = z
  .object({
    dry_run: z.literal(true),
    action: DryRun.shape.action,
    id: z.string(),
    override: Override.unwrap().partial({ at: true }).describe('The override that would be stored or removed.'),
  })
  .meta({ id: 'OverrideDryRun', description: 'What a write of an override would do.' })

/** A document in the format of a client or of ours. It may be YAML too. */
export const Document = z
  .union([z.looseObject({}), z.array(z.unknown())])
  .meta({ id: 'ServerDocument', description: 'Servers as Claude, Cursor, VS Code or the config write them; YAML too.' })

const Where = z.string().optional().describe('Line and key in the document.')

const LeftOff = z.int().optional().describe('Entries after the first 1,000, which were not looked at.')

const RefusedEntry = z.object({
  name: z.string().optional(),
  where: Where,
  reason: z.string(),
  code: z.enum(problemCodes),
})

const FoundServer = z
  .object({
    ok: z.boolean(),
    reason: Reason,
    response_time_ms: z.number(),
    protocol_version: z.string().optional(),
    server_name: z.string().optional().describe('What the server calls itself.'),
    version: z.string().optional(),
    tools: z.int().optional().describe('Number of its tools.'),
    suggested_name: z.string().optional().describe('A free name in the namespace of the entry, made of `server_name`.'),
  })
  .optional()
  .meta({ id: 'FoundServer', description: 'What a probe found, with `probe=true`; of the first ten URLs.' })

export const DocumentPreview = z
  .object({
    dry_run: z.literal(true),
    taken: z.array(
      DryRun.pick({ action: true, server: true }).extend({
        where: Where,
        ignored: z.array(z.string()).optional().describe('Fields that would not be kept.'),
        probe: FoundServer,
      }),
    ),
    refused: z.array(RefusedEntry.extend({ probe: FoundServer })),
    left_off: LeftOff,
  })
  .meta({ id: 'DocumentPreview', description: 'What would become of the entries of a document.' })

export const DocumentImportBody = z
  .object({
    document: z.string().describe('At most 256 KiB, in any format that `/servers/preview` takes.'),
    servers: z.array(z.string()).optional().describe('Ids of the servers to write. Default: all that can be.'),
  })
  .meta({ id: 'DocumentImportBody' })

export const DocumentImport = z
  .object({
    written: z.array(z.object({ id: z.string(), action: DryRun.shape.action })),
    refused: z.array(RefusedEntry),
    left_off: LeftOff,
  })
  .meta({ id: 'DocumentImport', description: 'What became of the servers of a document, each for itself.' })

/** The server after a write; with `dry_run=true`, what the write would do. */
export const WrittenServer = z.union([ServerDetail, DryRun]).meta({ id: 'WrittenServer' })
