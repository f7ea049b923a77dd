import * as z from 'zod'
import { section } from '../../model/later.ts'

const usualCors = {
  enabled: true,
  origins: [],
  methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  headers: [
    'Authorization',
    'Content-Type',
    'If-Match',
    'If-None-Match',
    'Last-Event-ID',
    'Mcp-Protocol-Version',
    'Mcp-Method',
    'Mcp-Name',
  ],
}

/** What pages of other origins may read. */
export const Cors = section(usualCors, () =>
  z.strictObject({
    enabled: z
      .boolean()
      .default(usualCors.enabled)
      .describe('Off: pages of other origins read only `/v0.1`, `/v0`, `/.well-known`.'),
    origins: z
      .array(z.string().min(1).max(2048))
      .default(usualCors.origins)
      .describe('Origins such as `https://portal.example`, or `*`. `*` never allows writing.'),
    methods: z.array(z.string().min(1).max(32)).default(usualCors.methods).describe('Methods that a page may use.'),
    headers: z
      .array(z.string().min(1).max(253))
      .default(usualCors.headers)
      .describe('Request headers that a page may send.'),
  }),
)
export type Cors = z.output<typeof Cors>
