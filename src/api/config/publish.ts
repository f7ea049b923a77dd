import * as z from 'zod'
import { configSection } from '../../model/schema/lazy-schema.ts'
import { isHttpUrl } from '../../model/server.ts'

/** Publication of servers at `/v0.1/servers` and `/.well-known/ai-catalog.json`, and of A2A agents at `/a2a/agents`. */
export const Publish = configSection({}, () =>
  z.strictObject({
    domain: z
      .string()
      .max(100)
      .regex(
        /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/i,
        'must be a DNS name, such as roster.example.org',
      )
      .optional()
      .describe(
        'DNS name that prefixes published names: `roster.example.org` gives `org.example.roster/weather`. Default: `listen.name`, with `.internal` appended if it has no dot.',
      ),
    a2a_url: z
      .string()
      .max(4096)
      .refine(isHttpUrl, 'must be a URL of http or https, such as https://agents.example.org')
      .overwrite((url) => url.replace(/(?<!\/)\/+$/, ''))
      .optional()
      .describe(
        'Public URL in front of the paths of A2A agents. `GET /a2a/agents` shows the URL of each agent and of its card where this is set.',
      ),
  }),
)
export type Publish = z.output<typeof Publish>
