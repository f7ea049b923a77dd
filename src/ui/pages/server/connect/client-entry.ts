/** A server as `GET /discover?format=claude` gives it to a client. */
export type ClientEntry = {
  readonly type?: 'stdio' | 'http' | 'sse'
  readonly url?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly command?: string
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** A variable that the client fills in, as the format of Claude spells it. */
const variable = /\$\{([A-Za-z_]\w*)\}/g

/** The only variable that a text consists of. */
export function variableIn(text: string): string | undefined {
  return /^\$\{([A-Za-z_]\w*)\}$/.exec(text)?.[1]
}

/** The entry with its variables spelled as another client does. */
export function withVariables(entry: ClientEntry, spell: (name: string) => string): ClientEntry {
  const inText = (text: string) => text.replaceAll(variable, (_, name: string) => spell(name))
  const inMap = (map: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(map).map(([key, value]) => [key, inText(value)]))
  return {
    ...entry,
    ...(entry.url === undefined ? {} : { url: inText(entry.url) }),
    ...(entry.headers === undefined ? {} : { headers: inMap(entry.headers) }),
    ...(entry.args === undefined ? {} : { args: entry.args.map(inText) }),
    ...(entry.env === undefined ? {} : { env: inMap(entry.env) }),
  }
}

/**
 * One word of a command line of a POSIX shell. Only plain variables are left to the shell: what a server says of itself must not
 * run anything where it is pasted.
 */
export function shellWord(text: string): string {
  const printable = text.replaceAll(/\p{Cc}/gu, '')
  if (/^[\w./:@%+=-]+$/.test(printable)) return printable
  if (!printable.includes('${')) return `'${printable.replaceAll("'", String.raw`'\''`)}'`
  const parts = printable.split(/(\$\{[A-Za-z_]\w*\})/)
  const quoted = parts.map((part, index) => (index % 2 === 1 ? part : part.replaceAll(/[\\"$`]/g, String.raw`\$&`)))
  return `"${quoted.join('')}"`
}
