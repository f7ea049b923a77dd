import * as z from 'zod'
import { configSection } from '../../model/schema/lazy-schema.ts'

const defaultCors = {
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

/** An origin, normalized to the spelling of browsers: `https://Portal.example:443/` becomes `https://portal.example`. */
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

/** Cross-origin requests that pages in browsers may make. */
export const Cors = configSection(defaultCors, () =>
  z.strictObject({
    enabled: z
      .boolean()
      .default(defaultCors.enabled)
      .describe('Whether `origins` applies. Off: pages of other origins read only `/v0.1`, `/v0` and `/.well-known`.'),
    origins: z
      .array(Origin())
      .default(defaultCors.origins)
      .describe('Allowed origins, such as `https://portal.example`, or `*`. `*` allows reading only.'),
    methods: z.array(z.string().min(1).max(32)).default(defaultCors.methods).describe('Methods that pages may use.'),
    headers: z
      .array(z.string().min(1).max(253))
      .default(defaultCors.headers)
      .describe('Request headers that pages may send.'),
  }),
)
export type Cors = z.output<typeof Cors>
