import { z } from 'zod'
import { every } from '../../flow/every.ts'
import { duration } from '../../model/duration.ts'
import { HttpUrl } from '../../model/server.ts'
import { type Entry, SourceError } from '../../model/source.ts'
import { commonFields, defineSource } from '../kind.ts'
import { createOrigins } from '../origins.ts'
import { longestPause, onePace, paceFields, paceOf } from '../pace.ts'
import { ask } from './ask.ts'
import { credentialFields, credentialsOf } from './credentials.ts'

const usualInterval = 60

/** Reads directories of servers over HTTP: any document a file may hold, the official registry's API, a domain's catalogue. */
export const http = defineSource({
  config: z
    .strictObject({
      type: z.literal('http'),
      ...commonFields,
      url: HttpUrl.optional().describe('Where servers are listed.'),
      urls: z.array(HttpUrl).min(1).max(100).optional().describe('Several of them, in order of precedence.'),
      ...paceFields,
      ...credentialFields,
      timeout: duration({ min: 0.05, max: 300 }).default(10).describe('Longest time one request may take in all.'),
      max_bytes: z
        .number()
        .int()
        .min(1)
        .max(256 * 1024 * 1024)
        .default(5 * 1024 * 1024)
        .describe('Largest body that is read, on the wire and unpacked.'),
    })
    .check(onePace),
  discovery_method: 'http_discovery',
  reach: 'private',
  mayIntroduceStdio: ({ allow_stdio }) => allow_stdio ?? false,
  questionsShrinks: true,
  silence: (config) => longestPause(config, usualInterval) + 60,
  open: (config, { door }) =>
    async function* (run) {
      const { url, urls = [], timeout, max_bytes } = config
      const origins = createOrigins({
        names: url === undefined ? urls : [url, ...urls],
        limitMs: timeout * 1000,
        async read(name, signal) {
          const credentials = await credentialsOf(config)
          const terms = { ...credentials, reach: 'any', timeoutMs: timeout * 1000, maxBytes: max_bytes } as const
          const answer = await ask(door, name, terms, { signal })
          if (answer.type === 'unchanged') return {}
          return { entries: entriesIn(answer.text) }
        },
      })
      yield* every({ run, pace: await paceOf(config, usualInterval), look: origins.look })
    },
})

function entriesIn(text: string): Entry[] {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (cause) {
    throw new SourceError('answered no valid JSON', { cause })
  }
  const servers = z.object({ servers: z.record(z.string(), z.record(z.string(), z.unknown())) }).safeParse(document)
  if (!servers.success) throw new SourceError('answered JSON that lists no servers')
  return Object.entries(servers.data.servers).map(([name, value]) => ({ value: { ...value, name }, where: name }))
}
