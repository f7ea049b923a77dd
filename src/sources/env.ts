import * as z from 'zod'
import { type Reading, type Sighting, SourceError } from '../model/source.ts'
import { expandEntries } from './documents/expand-variables.ts'
import { readDocument } from './documents/read.ts'
import { commonFields, defineSource, type SourceTools } from './source-kind.ts'

/** One environment variable of the daemon; it cannot change while the daemon runs. */
export const env = defineSource({
  type: 'env',
  config: () =>
    z.strictObject({
      type: z.literal('env'),
      ...commonFields(),
      variable: z
        .string()
        .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable')
        .default('MCP_SERVERS')
        .describe(
          'Variable that holds the servers, as JSON or YAML in any form that a file may have. Unset or empty: no servers.',
        ),
      expand: z
        .boolean()
        .default(false)
        .describe(
          'Whether `${VAR}`, `${VAR:-default}` and `${env:VAR}` in it take the value from the environment; otherwise they stay as they are.',
        ),
    }),
  discovery_method: 'environment',
  reach: 'any',
  mayIntroduceStdio: () => true,
  questionsShrinks: false,
  maxSilenceSeconds: () => 60,
  open: (options, tools) =>
    async function* ({ wake }): AsyncGenerator<Sighting> {
      wake.take()
      yield { type: 'picture', readings: await readingsOf(options, tools) }
    },
})

type EnvOptions = { readonly variable: string; readonly expand: boolean }

async function readingsOf({ variable, expand }: EnvOptions, tools: Pick<SourceTools, 'env'>): Promise<Reading[]> {
  const text = tools.env[variable]
  // A compose file with `MCP_SERVERS=${MCP_SERVERS}` sets an empty variable where none is set outside.
  if (text === undefined || text === '') return []
  try {
    const entries = await readDocument(text)
    return [{ origin: variable, entries: expand ? expandEntries(entries, tools.env) : entries }]
  } catch (error) {
    if (!(error instanceof SourceError)) throw error
    return [{ origin: variable, error }]
  }
}
