import { parentPort } from 'node:worker_threads'
import { type Entry, SourceError } from '../../model/source.ts'
import { type TextFormat, parseListing } from './parse.ts'
import type { ServerListing } from './server-listing.ts'

/** What the worker is asked: to parse a text, or for the rest of its last answer. */
export type ParseRequest =
  | { readonly type: 'parse'; readonly text: string; readonly format: TextFormat }
  | { readonly type: 'more' }

/** `part` is followed by the question for `more`, so that a long answer does not arrive in one piece. */
export type ParseResponse =
  | { readonly type: 'part'; readonly entries: readonly Entry[] }
  | { readonly type: 'end'; readonly listing: ServerListing }
  | {
      readonly type: 'error'
      readonly message: string
      readonly class: SourceError['class']
      readonly where: string | undefined
    }

const entriesPerPart = 100

/** Parses texts on this thread, one at a time. */
function answerQuestions(port: NonNullable<typeof parentPort>): void {
  let left: ServerListing | undefined

  function part(): ParseResponse {
    if (!left) return { type: 'error', message: 'was not parsed', class: 'transient', where: undefined }
    const { entries } = left
    if (entries.length <= entriesPerPart) return { type: 'end', listing: left }
    left = { ...left, entries: entries.slice(entriesPerPart) }
    return { type: 'part', entries: entries.slice(0, entriesPerPart) }
  }

  async function answer(question: ParseRequest): Promise<ParseResponse> {
    if (question.type === 'more') return part()
    try {
      left = await parseListing(question.text, question.format)
      return part()
    } catch (error) {
      if (error instanceof SourceError)
        return { type: 'error', message: error.message, class: error.class, where: error.where }
      return { type: 'error', message: 'cannot be parsed', class: 'config', where: undefined }
    }
  }

  port.on('message', (question: ParseRequest) => {
    void answer(question).then((said) => port.postMessage(said))
  })
}

if (parentPort) answerQuestions(parentPort)
