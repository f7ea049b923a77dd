import { parentPort } from 'node:worker_threads'
import { type Entry, SourceError } from '../../model/source.ts'
import { type TextFormat, parseListing } from './parse.ts'
import type { ServerListing } from './server-listing.ts'

/** `more` asks for the rest of the last response. */
export type ParseRequest =
  | { readonly type: 'parse'; readonly text: string; readonly format: TextFormat }
  | { readonly type: 'more' }

/** After a `part` the main thread asks for `more`, so that a long listing does not block it in one piece. */
export type ParseResponse =
  | { readonly type: 'part'; readonly entries: readonly Entry[] }
  | { readonly type: 'end'; readonly listing: ServerListing }
  | {
      readonly type: 'error'
      readonly message: string
      readonly class: SourceError['class']
      readonly where: string | undefined
      readonly excerpt?: string | undefined
    }

const entriesPerPart = 100

/** Parses texts on this thread, one at a time. */
function serve(port: NonNullable<typeof parentPort>): void {
  let rest: ServerListing | undefined

  function nextPart(): ParseResponse {
    if (!rest) return { type: 'error', message: 'nothing was parsed', class: 'transient', where: undefined }
    const { entries } = rest
    if (entries.length <= entriesPerPart) return { type: 'end', listing: rest }
    rest = { ...rest, entries: entries.slice(entriesPerPart) }
    return { type: 'part', entries: entries.slice(0, entriesPerPart) }
  }

  async function respond(request: ParseRequest): Promise<ParseResponse> {
    if (request.type === 'more') return nextPart()
    try {
      rest = await parseListing(request.text, request.format)
      return nextPart()
    } catch (error) {
      if (error instanceof SourceError) {
        const { message, class: kind, where, excerpt } = error
        return { type: 'error', message, class: kind, where, excerpt }
      }
      return { type: 'error', message: 'document cannot be parsed', class: 'config', where: undefined }
    }
  }

  port.on('message', (request: ParseRequest) => {
    void respond(request).then((response) => port.postMessage(response))
  })
}

if (parentPort) serve(parentPort)
