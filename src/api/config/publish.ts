import * as z from 'zod'
import { configSection } from '../../model/schema/lazy-schema.ts'

/** Publication of servers at `/v0.1/servers` and `/.well-known/ai-catalog.json`. */
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
  }),
)
export type Publish = z.output<typeof Publish>
