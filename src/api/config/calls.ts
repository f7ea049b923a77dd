import * as z from 'zod'
import { duration } from '../../model/schema/duration.ts'
import { configSection } from '../../model/schema/lazy-schema.ts'
import { isCidr } from '../../outbound/address-guard.ts'

const defaultCalls = {
  enabled: false,
  allow: [],
  timeout: 60,
  max_timeout: 600,
  max_request_bytes: 1_048_576,
  max_response_bytes: 16_777_216,
  max_concurrent: 64,
  max_concurrent_per_token: 16,
}

/** Calls that the registry forwards to agents, at `/proxy/{host}:{port}/mcp`. */
export const CallsConfig = configSection(defaultCalls, () =>
  z.strictObject({
    enabled: z
      .boolean()
      .default(defaultCalls.enabled)
      .describe(
        'Whether `POST /proxy/{host}:{port}/mcp` forwards calls to agents, for tokens with the right `call`, and `POST /servers/{namespace}/{name}/tools/{tool}` calls tools of servers. The latter also works where it is false and the daemon listens on loopback only.',
      ),
    allow: z
      .array(z.string().refine(isCidr, 'must be a network such as 10.0.0.0/8, or an address'))
      .max(256)
      .default(defaultCalls.allow)
      .describe(
        'Loopback, private and reserved networks whose agents may be called, such as `10.0.0.0/8`. Default: none, so only agents with public addresses. Agents choose their endpoints: a token with `call` and the role `registrar` can send a JSON POST to every host in these networks. Metadata and link-local addresses are never called.',
      ),
    timeout: duration({ min: 0.1, max: 86_400 })
      .default(defaultCalls.timeout)
      .describe('Deadline of a whole call that names none in `X-Mesh-Timeout`.'),
    max_timeout: duration({ min: 0.1, max: 86_400 })
      .default(defaultCalls.max_timeout)
      .describe('Longest deadline of a call, whatever `X-Mesh-Timeout` asks for.'),
    max_request_bytes: z
      .number()
      .int()
      .min(1024)
      .max(104_857_600)
      .default(defaultCalls.max_request_bytes)
      .describe('Maximum bytes of the body of a call; a longer one gets 413. `limits.max_body_bytes` applies too.'),
    max_response_bytes: z
      .number()
      .int()
      .min(1024)
      .max(1_073_741_824)
      .default(defaultCalls.max_response_bytes)
      .describe('Maximum bytes of the response to a call; the connection of a longer one is cut.'),
    max_concurrent: z
      .number()
      .int()
      .min(1)
      .max(10_000)
      .default(defaultCalls.max_concurrent)
      .describe('Maximum number of calls in flight; a further one gets 503.'),
    max_concurrent_per_token: z
      .number()
      .int()
      .min(1)
      .max(10_000)
      .default(defaultCalls.max_concurrent_per_token)
      .describe('Maximum number of calls in flight per token; a further one gets 429.'),
  }),
)
export type CallsConfig = z.output<typeof CallsConfig>
