import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openHttpClient } from '../../../src/outbound/http-client.ts'
import { http } from '../../../src/sources/http/http.ts'
import { runSource } from '../poll-source.ts'
import { toolsWith } from '../source-tools.ts'

/** A directory of servers on loopback. A test can change its answer at any time. */
export async function openDirectory(first: RequestListener = json({ servers: {} })) {
  let answer = first
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    response.on('error', () => {})
    answer(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  function close(): void {
    server.close()
    server.closeAllConnections()
  }

  return {
    url,
    requests,
    answers: (next: RequestListener) => void (answer = next),
    close,
    [Symbol.dispose]: close,
  }
}

/** Answers with this value as JSON. */
export function json(body: unknown, headers: Readonly<Record<string, string>> = {}): RequestListener {
  return text(JSON.stringify(body), { 'content-type': 'application/json', ...headers })
}

/** Answers with this text, these headers and this status. */
export function text(
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
  status = 200,
): RequestListener {
  return (_, response) => void response.writeHead(status, headers).end(body)
}

/** Answers by path, with 404 for any other. */
export function paths(answers: Readonly<Record<string, RequestListener>>): RequestListener {
  return (request: IncomingMessage, response: ServerResponse) => {
    const { pathname } = new URL(request.url ?? '/', 'http://host')
    const answer = answers[pathname] ?? text('no such page', { 'content-type': 'text/plain' }, 404)
    answer(request, response)
  }
}

/** A document with servers of these names. */
export function servers(...names: readonly string[]) {
  return { servers: Object.fromEntries(names.map((name) => [name, { url: `http://${name}.example/mcp` }])) }
}

/** Runs the source http, with an HTTP client of its own. */
export function openHttpSource(config: Record<string, unknown>) {
  const httpClient = openHttpClient()
  const source = runSource(http.open(http.config.parse({ type: 'http', ...config }), toolsWith({ httpClient })))
  async function stop(): Promise<void> {
    await source.stop()
    await httpClient.close()
  }
  return { ...source, stop, [Symbol.asyncDispose]: stop }
}

const cardType = 'application/mcp-server-card+json'
/** A server card. */
export const card = (name: string) => ({
  name,
  version: '1.0.0',
  description: `What ${name} does`,
  remotes: [{ type: 'streamable-http', url: `https://${name}.example/mcp` }],
})
/** An AI catalogue with links to server cards. */
export const catalog = (...entries: readonly { name: string; url: string }[]) => ({
  specVersion: '1.0',
  entries: entries.map(({ name, url }) => ({
    identifier: `urn:air:example.com:${name}`,
    displayName: name,
    type: cardType,
    url,
  })),
})
