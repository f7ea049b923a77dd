import * as z from 'zod'
import { configSection } from '../../model/schema/lazy-schema.ts'

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

/** An origin, spelled as browsers send it: `https://Portal.example:443/` is `https://portal.example`. */
const Origin = () =>
  z
    .string()
    .max(2048)
    .transform((text, context) => {
      if (text === '*' || text === 'null') return text
      const origin = /^[a-z][a-z\d+.-]*:\/\/[^/?#@*\\\s]+\/?$/i.test(text) ? originOf(text) : undefined
      if (origin !== undefined) return origin
      context.addIssue('must be an origin such as https://portal.example, without a path, or *')
      return z.NEVER
    })

function originOf(text: string): string | undefined {
  if (!/^https?:/i.test(text)) return text.toLowerCase().replace(/\/$/, '')
  return URL.parse(text)?.origin
}

/** What pages of other origins may read. */
export const Cors = configSection(usualCors, () =>
  z.strictObject({
    enabled: z
      .boolean()
      .default(usualCors.enabled)
      .describe('Off: pages of other origins read only `/v0.1`, `/v0`, `/.well-known`.'),
    origins: z
      .array(Origin())
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
