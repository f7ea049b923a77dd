import * as z from 'zod'
import { KubeApiError } from '../connection/kube-api-error.ts'

const ListPage = z.object({
  metadata: z.object({ resourceVersion: z.string().min(1), continue: z.string().nullish() }),
  items: z.array(z.unknown()).nullish(),
})

const WatchEvent = z.object({
  type: z.string(),
  object: z.looseObject({
    metadata: z.looseObject({ resourceVersion: z.string().nullish() }).nullish(),
    code: z.number().nullish(),
    details: z.object({ retryAfterSeconds: z.number().nullish() }).nullish(),
  }),
})
export type WatchEvent = z.output<typeof WatchEvent>

/** One page of a list; `next` is the token of the following page, empty on the last. */
export function parseListPage(response: unknown, title: string) {
  const { success, data } = ListPage.safeParse(response)
  if (!success) throw new KubeApiError('unavailable', `list ${title}: the API server's response is not a list`)
  return { version: data.metadata.resourceVersion, next: data.metadata.continue ?? '', items: data.items ?? [] }
}

/** One line of a watch. */
export function parseWatchEvent(line: string, title: string): WatchEvent {
  try {
    return WatchEvent.parse(JSON.parse(line))
  } catch {
    throw new KubeApiError('unavailable', `watch ${title}: invalid event`)
  }
}
