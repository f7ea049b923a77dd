import * as z from 'zod'
import { KubeApiError } from '../connection/kube-api-error.ts'

const Page = z.object({
  metadata: z.object({ resourceVersion: z.string().min(1), continue: z.string().nullish() }),
  items: z.array(z.unknown()).nullish(),
})

const Event = z.object({
  type: z.string(),
  object: z.looseObject({
    metadata: z.looseObject({ resourceVersion: z.string().nullish() }).nullish(),
    code: z.number().nullish(),
    details: z.object({ retryAfterSeconds: z.number().nullish() }).nullish(),
  }),
})
export type Event = z.output<typeof Event>

/** One page of a list; `next` asks for the one after it, and is empty on the last. */
export function parseListPage(answer: unknown, what: string) {
  const { success, data } = Page.safeParse(answer)
  if (!success) throw new KubeApiError('broken', `list ${what}: the API server's answer is no list`)
  return { version: data.metadata.resourceVersion, next: data.metadata.continue ?? '', items: data.items ?? [] }
}

/** One line of a watch. */
export function parseWatchEvent(line: string, what: string): Event {
  try {
    return Event.parse(JSON.parse(line))
  } catch {
    throw new KubeApiError('broken', `watch ${what}: an event cannot be read`)
  }
}
