import { request } from '../data/api.ts'
import type { Row } from '../data/protocol.ts'
import { refusalOf } from '../data/rights.ts'
import { type ServerAnswer, serverPath } from '../pages/server/server-answer.ts'
import { probeRefusal, probeServer, switchServer } from '../pages/server/server-work.ts'
import { paletteTexts as texts } from '../texts/palette.ts'

/** Something that the palette offers to do with a server. */
export type ServerChoice = {
  readonly key: string
  readonly text: string
  /** Why it is not offered. */
  readonly refusal: string | undefined
  /** Resolves with what was done, for people. */
  readonly run: () => Promise<string>
}

/** What can be done with a server where its names and the verb together hold every word; the words are in lower case. */
export function choicesFor(row: Row, words: readonly string[]): readonly ServerChoice[] {
  const { id, title = '' } = row
  const verbs = texts.verbs
  const toggle = row.enabled ? verbs.disable : verbs.enable
  const named = `${id} ${title}`.toLowerCase()
  const fits = (verb: (name: string) => string) => {
    const around = verb('').toLowerCase()
    return words.every((word) => around.includes(word) || named.includes(word))
  }
  const refusal = refusalOf('admin', row.namespace)
  const probe: ServerChoice = {
    key: `probe ${id}`,
    text: verbs.probe(id),
    refusal: refusal ?? probeRefusal(row),
    run: () => probeNow(row),
  }
  const change: ServerChoice = {
    key: `switch ${id}`,
    text: toggle(id),
    refusal,
    run: async () => `${id}: ${await switchServer(await read(row), !row.enabled)}`,
  }
  return [...(fits(verbs.probe) ? [probe] : []), ...(fits(toggle) ? [change] : [])]
}

const read = (row: Row) => request<ServerAnswer>(serverPath(row))

async function probeNow(row: Row): Promise<string> {
  // A row does not say whether there is a check.
  const refusal = probeRefusal(await read(row))
  if (refusal !== undefined) throw new Error(`${row.id}: ${refusal}`)
  return `${row.id}: ${await probeServer(row)}`
}
