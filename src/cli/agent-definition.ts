import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { RegistrationProblem } from '../agents/errors.ts'
import { parseMeshFields } from '../agents/parsing/mesh-fields.ts'
import { normalizeRegistration } from '../agents/parsing/normalize.ts'
import { RegistrationFields } from '../agents/parsing/schema.ts'
import type { MeshRegistration } from '../client/roster/agents.ts'
import { parseConfig } from '../config/loading/document.ts'
import { explainIssue } from '../config/loading/schema-issues.ts'
import type { ConfigPath } from '../config/schema-paths.ts'
import { ConfigError } from '../config/setting-origin.ts'
import { duration } from '../model/schema/duration.ts'
import { isHttpUrl } from '../model/server.ts'
import { CommandError } from './command.ts'

/** What a sidecar registers, and how it looks after it. */
export type AgentDefinition = {
  readonly registration: MeshRegistration
  readonly intervalMs: number
  readonly health?: { readonly url: string; readonly timeoutMs: number }
}

/** Default pause between two heartbeats, in seconds. */
const defaultInterval = 5

/** Minimum pause between two heartbeats, in seconds. */
const minInterval = 0.05

/** The file of an agent: the fields of a registration, and how to tell that the process is well. */
const AgentFile = z.lazy(() => {
  const fields = RegistrationFields.unwrap().omit({ takeover: true, resource_version: true }).shape
  return z.strictObject({
    ...fields,
    id: fields.id.describe('Unique in the mesh, and the same after a restart: "reports-${HOSTNAME}".'),
    tools: z.array(z.unknown()).optional().describe('Functions, as published agents register them.'),
    health_url: z
      .string()
      .refine(isHttpUrl, 'must be a URL of http or https')
      .optional()
      .describe('Answers with a 2xx while the process is well. Without such an answer no heartbeat is sent.'),
    health_timeout: duration({ min: 0.1, max: 60 }).default(3).describe('Maximum duration of a request to health_url.'),
  })
})

/** Reads the definition of an agent; throws a `ConfigError` with the line of each problem. */
export async function readAgentDefinition(
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<AgentDefinition> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CommandError(`cannot read ${file}: ${error.code === 'ENOENT' ? 'there is no such file' : error.message}`)
  })
  const { value: written, lineOf } = parseConfig(text, { file, env })
  const value = definedOf(normalizeRegistration(written))
  const problem = (path: ConfigPath, message: string) => ({
    origin: { from: 'file', file, line: lineOf(path) } as const,
    path,
    message,
  })
  const { data, error } = AgentFile.safeParse(value)
  if (error) {
    const shape = AgentFile.unwrap()
    const found = error.issues.flatMap((issue) => explainIssue(shape, value, issue))
    throw new ConfigError(found.map(({ path, message }) => problem(path, message)))
  }
  try {
    parseMeshFields(value, undefined)
  } catch (error) {
    if (!(error instanceof RegistrationProblem)) throw error
    const message = error.message.replace(/^Validation failed: '[^']*' /, '')
    throw new ConfigError([problem(pathOf(error.field), message)], { cause: error })
  }
  const { health_url, health_timeout } = data
  const interval = Math.max(minInterval, data.health_interval ?? data.heartbeat_interval ?? defaultInterval)
  return {
    // The roster reads a body with one of the fields below as a registration.
    registration: {
      agent_type: 'default',
      ...definedOf({ ...value, id: undefined, health_url: undefined, health_timeout: undefined }),
      agent_id: data.id,
      health_interval: interval,
      heartbeat_interval: interval,
    },
    intervalMs: interval * 1000,
    ...(health_url !== undefined && { health: { url: health_url, timeoutMs: health_timeout * 1000 } }),
  }
}

/** `tools[1].function_name` as the steps of a path. */
function pathOf(field: string): ConfigPath {
  return field.split(/[.[\]]+/).flatMap((step) => (step === '' ? [] : /^\d+$/.test(step) ? Number(step) : step))
}

function definedOf(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
