import { readFileSync } from 'node:fs'
import type { Log } from '../../../log.ts'
import { type Auth, isToken, type TokenGrant, tokensOf } from '../../config/auth.ts'

/** The text of a token file, or why it could not be read, and the tokens in it. */
type TokenFile = { readonly content: string; readonly tokens: readonly string[] }

/**
 * The tokens of the config and of the files that it names; calls `onChange` when the tokens of a file change.
 *
 * A file may hold several tokens, one per line: an old one can stay valid while a new one is rolled out. A file that
 * cannot be read, or is empty, grants nothing. Files are read every `everyMs` instead of watched: mounted secrets are
 * swapped by links that no watch follows, and a watch misses changes from before its start.
 */
export function createTokens({ log, onChange, everyMs }: { log: Log; onChange: () => void; everyMs: number }) {
  let files = new Map<string, TokenFile>()
  const timer = setInterval(readAll, everyMs).unref()
  let grants: readonly TokenGrant[] = []

  /** Switches to the tokens of another config. */
  function follow(auth: Auth): void {
    grants = tokensOf(auth)
    files = new Map(grants.flatMap(({ token_file: file }) => (file === undefined ? [] : [[file, read(file)]])))
  }

  function readAll(): void {
    const before = tokensIn(files)
    for (const [path, file] of files) files.set(path, read(path, file))
    if (tokensIn(files) === before) return
    log.info('tokens of a file changed')
    onChange()
  }

  /** Returns `before`, and logs nothing again, for a file with the same content. */
  function read(file: string, before?: TokenFile): TokenFile {
    const { text, reason } = textOf(file)
    const content = text ?? `unreadable: ${reason}`
    if (before?.content === content) return before
    if (text === undefined) {
      log.warn({ file, reason }, 'token file could not be read, it grants nothing')
      return { content, tokens: [] }
    }
    const lines = text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
    const tokens = lines.filter(isToken)
    if (tokens.length !== lines.length || tokens.length === 0)
      log.warn({ file, lines: lines.length, tokens: tokens.length }, 'token file lines rejected: not tokens')
    return { content, tokens }
  }

  return {
    follow,
    /** Each token with its rights. A grant whose file holds no token stays, without one. */
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

function tokensIn(files: ReadonlyMap<string, TokenFile>): string {
  return JSON.stringify(Array.from(files.values(), ({ tokens }) => tokens))
}

function filledIn(grant: TokenGrant, files: ReadonlyMap<string, TokenFile>): TokenGrant[] {
  const tokens = grant.token_file === undefined ? undefined : files.get(grant.token_file)?.tokens
  if (tokens === undefined || tokens.length === 0) return [grant]
  return tokens.map((token) => ({ ...grant, token }))
}
