import * as z from 'zod'

/**
 * What `meshctl` of https://github.com/dhyansraj/mcp-mesh decodes, with the strictness of Go's `encoding/json`: a value of another
 * type fails the whole command, null counts as absent, unknown members are ignored.
 */

const text = z.string().nullish()
const int = z.number().int().nullish()
const texts = z.array(z.string()).nullish()
/** RFC 3339, as Go's `time.Time` parses it. */
const time = z.iso.datetime({ offset: true }).nullish()

const Filter = z.object({
  filter: z.array(z.object({ capability: text, tags: texts, version: text, namespace: text })).nullish(),
  filter_mode: text,
})
const Provider = z.object({ capability: text, tags: texts, version: text, namespace: text })

const Resolution = z.object({
  function_name: text,
  capability: text,
  tags: texts,
  mcp_tool: text,
  provider_agent_id: text,
  endpoint: text,
  status: text,
})

const Agent = z.object({
  id: text,
  name: text,
  agent_type: text,
  status: text,
  runtime: text,
  endpoint: text,
  version: text,
  created_at: time,
  last_seen: time,
  total_dependencies: int,
  dependencies_resolved: int,
  capabilities: z
    .array(
      z.object({
        // Two commands decode these two beside the rest.
        id: int,
        dependencies: texts,
        name: text,
        capability: text,
        version: text,
        function_name: text,
        description: text,
        tags: texts,
        llm_filter: Filter.nullish(),
        llm_provider: Provider.nullish(),
        available: z.boolean().nullish(),
        unavailable_reason: text,
      }),
    )
    .nullish(),
  dependency_resolutions: z.array(Resolution).nullish(),
  llm_tool_resolutions: z
    .array(
      Resolution.extend({ filter_capability: text, filter_tags: texts, filter_mode: text, provider_capability: text }),
    )
    .nullish(),
  llm_provider_resolutions: z.array(Resolution.extend({ required_capability: text, required_tags: texts })).nullish(),
})

/** `meshctl list`, `status`, `call`, `audit`: `GET /agents`. */
export const AgentList = z.object({
  agents: z.array(Agent).nullish(),
  count: int,
  timestamp: z.iso.datetime({ offset: true }),
})

const Trace = z.object({
  consumer: text,
  dep_index: int,
  spec: z.object({ capability: text, tags: texts, version_constraint: text, schema_mode: text }).nullish(),
  stages: z
    .array(
      z.object({
        stage: text,
        kept: texts,
        evicted: z
          .array(z.object({ id: text, reason: text, details: z.record(z.string(), z.unknown()).nullish() }))
          .nullish(),
        chosen: text,
        reason: text,
      }),
    )
    .nullish(),
  chosen: z.object({ agent_id: text, endpoint: text, function_name: text }).nullish(),
  prior_chosen: text,
})

/** `meshctl audit`: `GET /events`. */
export const EventList = z.object({
  events: z
    .array(
      z.object({
        event_type: text,
        agent_id: text,
        agent_name: text,
        function_name: text,
        timestamp: time,
        data: z.record(z.string(), z.unknown()).nullish(),
      }),
    )
    .nullish(),
  count: int,
})

/** The `data` of the events that `meshctl audit` shows. */
export const AuditTrace = Trace

/** `meshctl list --schemas`: `GET /schemas`. */
export const SchemaList = z.object({
  schemas: z.array(
    z.object({
      hash: text,
      canonical: z.record(z.string(), z.unknown()).nullish(),
      runtime_origin: text,
      created_at: time,
    }),
  ),
  count: int,
})
