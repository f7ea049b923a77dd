import { readFileSync, type Stats, unwatchFile, watchFile } from 'node:fs'
import type { Log } from '../log.ts'
import { type Auth, isToken, type TokenGrant, tokensOf } from './config.ts'

/**
 * The tokens of the config, those that stand in files filled in from there; `onChange` is called when a file says others.
 *
 * A file may hold several tokens, one per line, so that an old one can go on while a new one is given out. One that
 * cannot be read, or holds none, lets nobody in until it does. The files themselves are looked at every `everyMs`, since
 * mounted secrets are swapped by links that no watch follows.
 */
export function createTokens({ log, onChange, everyMs }: { log: Log; onChange: () => void; everyMs: number }) {
  let files = new Map<string, readonly string[]>()
  let grants: readonly TokenGrant[] = []

  /** Takes the tokens of another config. */
  function follow(auth: Auth): void {
    leave()
    grants = tokensOf(auth)
    files = new Map(grants.flatMap(({ token_file: file }) => (file === undefined ? [] : [[file, read(file)]])))
    for (const file of files.keys()) watchFile(file, { interval: everyMs, persistent: false }, look)
  }

  function look(now: Stats, last: Stats): void {
    // Of a file that is not there one is told at once, and it was missed just now.
    if (now.ctimeMs === last.ctimeMs) return
    const before = JSON.stringify([...files.values()])
    for (const file of files.keys()) files.set(file, read(file))
    if (JSON.stringify([...files.values()]) === before) return
    log.info('the tokens in a file have changed')
    onChange()
  }

  function read(file: string): readonly string[] {
    try {
      const lines = readFileSync(file, 'utf8')
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '')
      const tokens = lines.filter(isToken)
      if (tokens.length === lines.length && tokens.length > 0) return tokens
      log.warn({ file, lines: lines.length, tokens: tokens.length }, 'not every line of the file is a token')
      return tokens
    } catch (error) {
      log.warn({ file, reason: (error as NodeJS.ErrnoException).code }, 'tokens could not be read, they let nobody in')
      return []
    }
  }

  function leave(): void {
    for (const file of files.keys()) unwatchFile(file, look)
  }

  return {
    follow,
    /** Each token with what it may; one whose file holds none stays, without a token. */
    grants: (): readonly TokenGrant[] => grants.flatMap((grant) => filledIn(grant, files)),
    close: leave,
  }
}

function filledIn(grant: TokenGrant, files: ReadonlyMap<string, readonly string[]>): TokenGrant[] {
  const found = grant.token_file === undefined ? undefined : files.get(grant.token_file)
  if (found === undefined || found.length === 0) return [grant]
  return found.map((token) => ({ ...grant, token }))
}
