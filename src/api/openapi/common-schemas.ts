import * as z from 'zod'
import { problemKinds, type ProblemCode } from '../http/problem-codes.ts'

// The schemas of this folder are for the OpenAPI document: no request is parsed with them.

export const problemCodes = Object.keys(problemKinds) as [ProblemCode, ...ProblemCode[]]

/** A revision of the registry. */
export const Token = z
  .string()
  .describe(
    'Opaque, `epoch-revision.digest`; also the `ETag`. Names a state of the servers, at every daemon of one store.',
  )

export const Message = z
  .looseObject({ jsonrpc: z.literal('2.0'), method: z.string().optional(), id: z.unknown().optional() })
  .meta({ id: 'JsonRpcMessage' })

export const Syncing = z
  .array(z.string())
  .optional()
  .describe('Sources that have not answered since the start; their servers may be missing.')

export const Anything = z.looseObject({})

export const ProblemShape = z
  .looseObject({
    type: z.string().describe('`urn:mcp-roster:problem:CODE`.'),
    title: z.string(),
    status: z.int(),
    code: z
      .enum(problemCodes)
      .describe('Stable.')
      .meta({ 'x-enum-descriptions': Object.values(problemKinds).map(({ remedy }) => remedy) }),
    detail: z.string(),
    error: z.string().describe('Copy of `detail`.'),
    timestamp: z.string(),
    request_id: z.string().optional().describe('Identifies the log entry with the cause of a 500.'),
  })
  .meta({ id: 'Problem', description: 'An error in the form of RFC 9457.' })
