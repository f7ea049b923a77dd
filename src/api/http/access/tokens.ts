import { readFileSync } from 'node:fs'
import type { Log } from '../../../log.ts'
import { type Auth, isToken, type TokenGrant, tokensOf } from '../../config/auth.ts'

/** What a file said when it was read, or why it could not be, and the tokens in it. */
type Held = { readonly said: string; readonly tokens: readonly string[] }

/**
 * The tokens of the config, those that stand in files filled in from there; `onChange` is called when a file says others.
 *
 * A file may hold several tokens, one per line, so that an old one can go on while a new one is given out. One that
 * cannot be read, or holds none, lets nobody in until it does. The files themselves are read every `everyMs`, since
 * mounted secrets are swapped by links that no watch follows, and what changes before a watch has begun is never told by it.
 */
export function createTokens({ log, onChange, everyMs }: { log: Log; onChange: () => void; everyMs: number }) {
  let files = new Map<string, Held>()
  const timer = setInterval(look, everyMs).unref()
  let grants: readonly TokenGrant[] = []

  /** Takes the tokens of another config. */
  function follow(auth: Auth): void {
    grants = tokensOf(auth)
    files = new Map(grants.flatMap(({ token_file: file }) => (file === undefined ? [] : [[file, read(file)]])))
  }

  function look(): void {
    const before = tokensIn(files)
    for (const [file, held] of files) files.set(file, read(file, held))
    if (tokensIn(files) === before) return
    log.info('the tokens in a file have changed')
    onChange()
  }

  /** A file that says what it said is not judged, nor complained of, again. */
  function read(file: string, before?: Held): Held {
    const { text, reason } = textOf(file)
    const said = text ?? `not to be read: ${reason}`
    if (before?.said === said) return before
    if (text === undefined) {
      log.warn({ file, reason }, 'tokens could not be read, they let nobody in')
      return { said, tokens: [] }
    }
    const lines = text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
    const tokens = lines.filter(isToken)
    if (tokens.length !== lines.length || tokens.length === 0)
      log.warn({ file, lines: lines.length, tokens: tokens.length }, 'not every line of the file is a token')
    return { said, tokens }
  }

  return {
    follow,
    /** Each token with what it may; one whose file holds none stays, without a token. */
    grants: (): readonly TokenGrant[] => grants.flatMap((grant) => filledIn(grant, files)),
    close: () => clearInterval(timer),
  }
}

function textOf(file: string): { readonly text?: string; readonly reason?: string | undefined } {
  try {
    return { text: readFileSync(file, 'utf8') }
  } catch (error) {
    return { reason: (error as NodeJS.ErrnoException).code }
  }
}

function tokensIn(files: ReadonlyMap<string, Held>): string {
  return JSON.stringify(Array.from(files.values(), ({ tokens }) => tokens))
}

function filledIn(grant: TokenGrant, files: ReadonlyMap<string, Held>): TokenGrant[] {
  const found = grant.token_file === undefined ? undefined : files.get(grant.token_file)?.tokens
  if (found === undefined || found.length === 0) return [grant]
  return found.map((token) => ({ ...grant, token }))
}
