import * as z from 'zod'
import type { QueryDoc, RouteDoc } from '../route-doc.ts'

const Provider = z
  .looseObject({
    agent_id: z.string().describe('Id of the agent; `namespace/name` of a server of another source.'),
    function_name: z.string(),
    version: z.string(),
    endpoint: z.string(),
    kwargs: z.looseObject({}).optional().describe('Secrets redacted.'),
  })
  .meta({ id: 'DependencyProvider' })

const Dependency = z
  .looseObject({
    capability: z.string(),
    tags: z
      .array(z.union([z.string(), z.array(z.string())]))
      .describe('Plain: required; `+tag`: preferred; `-tag`: excluded; a list: one of them.'),
    version: z.string().describe('Constraint; empty for any version.'),
    required: z.boolean(),
    status: z.enum(['available', 'unavailable']),
    provider: Provider.nullable(),
  })
  .meta({ id: 'Dependency' })

const Candidate = z
  .looseObject({
    agent_id: z.string(),
    function_name: z.string(),
    version: z.string(),
    tags: z.array(z.string()),
    status: z.string().describe('Status of the provider.'),
    result: z
      .enum(['chosen', 'equal', 'outranked', 'evicted'])
      .describe('`equal`: as good as the chosen one; `outranked`: lower score or version.'),
    score: z.int().optional().describe('5 for each required tag, 10 for each preferred one.'),
    stage: z
      .enum(['agents', 'health', 'self', 'tags', 'version', 'schema'])
      .optional()
      .describe('Where an evicted candidate fell out.'),
    reason: z.string().optional(),
    details: z.looseObject({}).optional(),
  })
  .meta({ id: 'DependencyCandidate' })

const Spread = z
  .object({
    providers: z.int().describe('Equal providers.'),
    consumers: z.int().describe('Agents that share them.'),
    load: z.int().describe('Consumers of the chosen provider.'),
    bound: z.int().describe('Most consumers that a provider keeps.'),
    kept: z.boolean().describe('The agent had this provider in its last answer.'),
  })
  .meta({ id: 'DependencySpread' })

const Explained = Dependency.extend({
  dep_index: z.int(),
  decided_by: z.enum(['none', 'only_candidate', 'score', 'version', 'declaration', 'spread', 'kept']),
  reason: z.string().describe('A sentence for people.'),
  spread: Spread.optional(),
  candidates: z
    .array(Candidate)
    .describe('The best first, and the chosen one. At most 100; fewer where more than 50 dependencies are explained.'),
  candidates_omitted: z.int().optional(),
}).meta({ id: 'ExplainedDependency' })

const functionsOf = <T extends z.ZodType>(dependency: T) =>
  z.array(
    z.looseObject({
      function_name: z.string().describe('Empty for an agent that depends as a whole.'),
      capability: z.string(),
      dependencies: z.array(dependency).describe('In the order of declaration.'),
      llm_provider: dependency.optional(),
    }),
  )

const agent = {
  agent_id: z.string(),
  name: z.string(),
  namespace: z.string(),
  status: z.string(),
  dependencies_omitted: z.int().optional().describe('How many dependencies beyond 500 are left out.'),
}

const DependencyList = z
  .looseObject({
    agents: z.array(z.object({ ...agent, functions: functionsOf(Dependency) })),
    count: z.int(),
    timestamp: z.string(),
  })
  .meta({ id: 'DependencyList' })

const Explanation = z.object({ ...agent, functions: functionsOf(Explained) }).meta({ id: 'DependencyExplanation' })

const notReady = { 503: 'Not ready; retry after `Retry-After`.' }

/** The routes that show how the dependencies of agents are resolved. `agentParameters`: those of the list of agents. */
export function dependencyRoutes(agentParameters: readonly (string | QueryDoc)[]): Readonly<Record<string, RouteDoc>> {
  return {
    'GET /dependencies': {
      group: 'agents',
      summary: 'List the dependencies of all agents with their providers',
      response: DependencyList,
      query: [...agentParameters, 'limit', 'continue'],
      statuses: {
        400: 'Invalid parameter; `parameter` names it.',
        404: 'Agents not accepted: no configured source has the type `agents`.',
        ...notReady,
      },
    },
    'GET /dependencies/:id': {
      group: 'agents',
      summary:
        'Explain the dependencies of an agent: the candidates, where each fell out and why, and why one was chosen',
      response: Explanation,
      statuses: { 404: 'No such agent.', ...notReady },
    },
  }
}
