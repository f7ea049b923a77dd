import { connectTexts as texts } from '../../../texts/server/connect.ts'
import { type ClientEntry, shellWord, variableIn, withVariables } from './client-entry.ts'

/** What the daemon gives for a client: the entry, and for VS Code what it prompts for. */
export type Given = { readonly name: string; readonly entry: ClientEntry; readonly inputs?: readonly unknown[] }

/** The server itself, for clients that need no config. */
type Subject = {
  readonly id: string
  readonly name: string
  readonly namespace: string
  readonly tool: string | undefined
  readonly protocol: string | undefined
  readonly daemon: string
}

/** How one client is told of a server. */
export type ClientGuide = {
  readonly id: string
  readonly name: string
  /** The format of `GET /discover` that it reads. */
  readonly format: 'claude' | 'cursor' | 'vscode'
  /** Where the text belongs: a file, or a sentence that ends with a colon. */
  readonly place: string
  /** Undefined where this client cannot use the server. */
  readonly text: (given: Given, subject: Subject) => string | undefined
  /** A link that installs it. */
  readonly link?: (given: Given) => string
  readonly note?: (given: Given) => string | undefined
}

const json = (value: unknown) => JSON.stringify(value, null, 2)

/** Every client that the page knows, in the order of its menu. */
export const clientGuides: readonly ClientGuide[] = [
  {
    id: 'claude-code',
    name: 'Claude Code',
    format: 'claude',
    place: texts.run,
    text: ({ name, entry }) => `claude mcp add-json ${shellWord(name)} ${singleQuoted(JSON.stringify(entry))}`,
    note: fillsIn,
  },
  {
    id: 'claude-desktop',
    name: 'Claude Desktop',
    format: 'claude',
    place: 'claude_desktop_config.json',
    text: ({ name, entry }) => json({ mcpServers: { [name]: entry.url === undefined ? entry : throughRemote(entry) } }),
    note: (given) =>
      [given.entry.url !== undefined && texts.remote, literal('Claude Desktop')(given)].filter(Boolean).join(' '),
  },
  {
    id: 'cursor',
    name: 'Cursor',
    format: 'cursor',
    place: '~/.cursor/mcp.json',
    text: ({ name, entry }) => json({ mcpServers: { [name]: entry } }),
    link: ({ name, entry }) =>
      `cursor://anysphere.cursor-deeplink/mcp/install?name=${encodeURIComponent(name)}&config=${encodeURIComponent(base64(JSON.stringify(entry)))}`,
    note: fillsIn,
  },
  {
    id: 'vscode',
    name: 'VS Code',
    format: 'vscode',
    place: '.vscode/mcp.json',
    text: ({ name, entry, inputs = [] }) =>
      json({ servers: { [name]: entry }, ...(inputs.length > 0 ? { inputs } : {}) }),
    link: ({ name, entry, inputs = [] }) =>
      `vscode:mcp/install?${encodeURIComponent(JSON.stringify({ name, ...entry, ...(inputs.length > 0 ? { inputs } : {}) }))}`,
  },
  {
    id: 'codex',
    name: 'Codex',
    format: 'claude',
    place: '~/.codex/config.toml',
    text: ({ name, entry }) => codexToml(name, entry),
    note: (given) => {
      const text = codexToml(given.name, given.entry)
      if (text.includes('${')) return texts.placeholders('Codex')
      return text.includes('env_http_headers') ? texts.codexVariables : undefined
    },
  },
  {
    id: 'gemini',
    name: 'Gemini CLI',
    format: 'claude',
    place: '~/.gemini/settings.json',
    text: ({ name, entry: { type, url, ...entry } }) =>
      json({
        mcpServers: { [name]: url === undefined ? entry : { [type === 'sse' ? 'url' : 'httpUrl']: url, ...entry } },
      }),
    note: fillsIn,
  },
  {
    id: 'windsurf',
    name: 'Windsurf',
    format: 'claude',
    place: '~/.codeium/windsurf/mcp_config.json',
    text({ name, entry }) {
      const { type: _, url, ...rest } = withVariables(entry, (one) => `\${env:${one}}`)
      return json({ mcpServers: { [name]: url === undefined ? rest : { serverUrl: url, ...rest } } })
    },
    note: fillsIn,
  },
  {
    id: 'zed',
    name: 'Zed',
    format: 'claude',
    place: '~/.config/zed/settings.json',
    text({ name, entry }) {
      const { type: _, ...rest } = entry
      return json({ context_servers: { [name]: rest } })
    },
    note: literal('Zed'),
  },
  {
    id: 'url',
    name: 'URL',
    format: 'claude',
    place: texts.address,
    text: ({ entry: { url } }) => url,
  },
  {
    id: 'library',
    name: 'Library',
    format: 'claude',
    place: texts.program,
    text: (_, { daemon, name, namespace, tool }) =>
      [
        "import { connectServers } from 'mcp-roster/connect'",
        '',
        `await using fleet = await connectServers({ roster: ${JSON.stringify(daemon)}, query: ${JSON.stringify({ namespace, name })} })`,
        `await fleet.call(${JSON.stringify(tool ?? 'TOOL')}, {})`,
      ].join('\n'),
  },
  {
    id: 'curl',
    name: 'curl',
    format: 'claude',
    place: texts.run,
    text: ({ entry }, { protocol }) => (entry.url === undefined ? undefined : curl(entry, protocol)),
    note: fillsIn,
  },
]

function fillsIn({ entry }: Given): string | undefined {
  return JSON.stringify(entry).includes('${') ? texts.variables : undefined
}

function literal(client: string) {
  return (given: Given) => (fillsIn(given) === undefined ? undefined : texts.placeholders(client))
}

/** Quoted for the client, which fills in variables itself. */
const singleQuoted = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`

const base64 = (text: string) =>
  btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCodePoint(byte)).join(''))

/** A command that connects a client of commands to a URL. Header values move to the environment: arguments with spaces break there. */
function throughRemote({ url = '', headers = {} }: ClientEntry): object {
  const named = Object.entries(headers).map(([header, value], index) => ({
    header,
    value,
    name: `HEADER_${index + 1}`,
  }))
  const isPlain = url.startsWith('http:') && !/^http:\/\/(localhost|127\.0\.0\.1)[:/]/.test(url)
  return {
    command: 'npx',
    args: [
      '-y',
      'mcp-remote',
      url,
      ...(isPlain ? ['--allow-http'] : []),
      ...named.flatMap(({ header, name }) => ['--header', `${header}:\${${name}}`]),
    ],
    ...(named.length > 0 ? { env: Object.fromEntries(named.map(({ name, value }) => [name, value])) } : {}),
  }
}

/** A basic string of TOML: JSON escapes all that it must, but for the delete character. */
const tomlText = (text: string) => JSON.stringify(text).replaceAll('\u007F', String.raw`\u007F`)

function tomlTable(map: Readonly<Record<string, string>>): string {
  return `{ ${Object.entries(map)
    .map(([key, value]) => `${tomlText(key)} = ${tomlText(value)}`)
    .join(', ')} }`
}

function codexToml(name: string, { url, headers = {}, command = '', args = [], env = {}, cwd }: ClientEntry): string {
  const lines = [`[mcp_servers.${name}]`]
  if (url === undefined) {
    lines.push(`command = ${tomlText(command)}`, `args = [${args.map(tomlText).join(', ')}]`)
    if (cwd !== undefined) lines.push(`cwd = ${tomlText(cwd)}`)
    if (Object.keys(env).length > 0) lines.push(`env = ${tomlTable(env)}`)
    return lines.join('\n')
  }
  const fixed: Record<string, string> = {}
  const variables: Record<string, string> = {}
  for (const [header, value] of Object.entries(headers)) {
    const variable = variableIn(value)
    if (variable === undefined) fixed[header] = value
    else variables[header] = variable
  }
  lines.push(`url = ${tomlText(url)}`)
  if (Object.keys(fixed).length > 0) lines.push(`http_headers = ${tomlTable(fixed)}`)
  if (Object.keys(variables).length > 0) lines.push(`env_http_headers = ${tomlTable(variables)}`)
  return lines.join('\n')
}

/** Revision of MCP without a handshake, and later ones. */
const firstStateless = '2026-07-28'

/** A request that shows the tools, or greets a server whose revision needs a handshake first. */
function curl({ url = '', headers = {} }: ClientEntry, protocol: string | undefined): string {
  const isStateless = protocol !== undefined && protocol >= firstStateless
  const client = { name: 'curl', version: '1.0.0' }
  const message = isStateless
    ? {
        method: 'tools/list',
        params: {
          _meta: {
            'io.modelcontextprotocol/protocolVersion': protocol,
            'io.modelcontextprotocol/clientInfo': client,
            'io.modelcontextprotocol/clientCapabilities': {},
          },
        },
      }
    : {
        method: 'initialize',
        params: { protocolVersion: protocol ?? '2025-11-25', capabilities: {}, clientInfo: client },
      }
  const sent = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(isStateless ? { 'mcp-protocol-version': protocol, 'mcp-method': 'tools/list' } : {}),
    ...headers,
  }
  return [
    `curl -sS ${shellWord(url)}`,
    ...Object.entries(sent).map(([header, value]) => `  -H ${shellWord(`${header}: ${value}`)}`),
    `  -d ${singleQuoted(JSON.stringify({ jsonrpc: '2.0', id: 1, ...message }))}`,
  ].join(' \\\n')
}
