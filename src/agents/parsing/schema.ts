import * as z from 'zod'
import { parseDuration } from '../../model/schema/duration.ts'
import { DefinitionFields, isHttpUrl } from '../../model/server.ts'
import { isHttpEndpoint } from './normalize.ts'

const secondsBetween = (min: number, max: number) =>
  z
    .unknown()
    .transform((value, context) => {
      const seconds = parseDuration(value)
      if (seconds !== undefined && seconds >= min && seconds <= max) return seconds
      context.addIssue({ code: 'custom', message: `must be a number of seconds from ${min} to ${max}` })
      return z.NEVER
    })
    .optional()

/**
 * The fields of a registration, in the spelling of every version of the mesh registry.
 *
 * Definition fields are checked here by the rules of every definition, and nowhere else. Unknown fields are ignored, as
 * the original did.
 */
export const RegistrationFields = z.lazy(() => {
  const { shape } = DefinitionFields.unwrap()
  return z.object({
    id: shape.name,
    name: z.string().optional(),
    namespace: shape.namespace,
    description: shape.description,
    version: shape.version,
    endpoint: z
      .string()
      .max(4096 - 'stdio://'.length)
      .refine((text) => !isHttpEndpoint(text) || isHttpUrl(text), 'must be a URL of http or https')
      .optional(),
    agent_type: z.string().max(253).optional(),
    labels: shape.labels,
    annotations: shape.annotations,
    tags: shape.tags,
    capabilities: shape.capabilities,
    dependencies: shape.dependencies,
    config: z.record(z.string(), z.unknown()).optional(),
    security_context: z.string().optional(),
    transport: z.array(z.string()).max(16).optional(),
    health_interval: secondsBetween(0, 86_400),
    heartbeat_interval: secondsBetween(0, 86_400),
    timeout_threshold: secondsBetween(1, 86_400),
    eviction_threshold: secondsBetween(1, 7 * 86_400),
    health_check: shape.health_check.optional(),
    health_check_url: shape.health_check_url,
    instance_id: z.string().max(253).optional(),
    takeover: z.boolean().optional(),
    resource_version: z.string().optional(),
  })
})
export type RegistrationFields = z.output<typeof RegistrationFields>
