import type { RequestListener } from 'node:http'
import type { TestContext } from 'node:test'
import type { TokenGrant } from '../../../src/api/config/auth.ts'
import { startHttpServer } from '../../outbound/test-servers.ts'
import { meshed } from '../mesh/test-mesh-api.ts'

const tokens: TokenGrant[] = [
  { name: 'ops', token: 'token-ops', role: 'registrar', secrets: false, call: true },
  { name: 'team-a', token: 'token-team-a', role: 'registrar', secrets: false, call: true, namespaces: ['team-a'] },
  { name: 'reader', token: 'token-reader', role: 'reader', secrets: false, call: true },
  { name: 'root', token: 'token-root', role: 'admin', secrets: false },
]

export const as = (name: string) => ({ authorization: `Bearer token-${name}` })

/** A call of the tool `greet`, as `meshctl call` sends it. */
export const message = {
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'greet', arguments: { who: 'secret-name' } },
}

type MeshOptions = NonNullable<Parameters<typeof meshed>[0]>

/** A mesh that forwards calls to loopback, unless `calls` says otherwise. */
export async function callable(t: TestContext, { calls, ...options }: Omit<MeshOptions, 'tokens'> = {}) {
  const mesh = await meshed({ tokens, calls: { enabled: true, allow: ['127.0.0.0/8'], ...calls }, ...options })
  t.after(() => mesh[Symbol.asyncDispose]())

  async function register(endpoint: string, fields: object = {}): Promise<void> {
    const { status, body } = await mesh.post('/agents', { id: 'greeter', endpoint, ...fields }, as('root'))
    if (status >= 300) throw new Error(`not registered: ${JSON.stringify(body)}`)
  }

  return {
    ...mesh,
    register,
    /** Starts an agent and registers it; its host and port. */
    async agent(respond: RequestListener, fields: object = {}): Promise<string> {
      const url = await startHttpServer(t, respond)
      await register(url, fields)
      return new URL(url).host
    },
    /** Sends a call to `target`, such as `127.0.0.1:9000/mcp`. */
    call: (target: string, { as: name = 'ops', headers = {}, body = message, signal }: CallOptions = {}) =>
      mesh.served.get(`/proxy/${target}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...as(name), ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
        ...(signal ? { signal } : {}),
      }),
    /** The calls in the audit log. */
    audit: () => mesh.audited.filter(({ message: event }) => String(event).startsWith('call ')),
  }
}

type CallOptions = {
  readonly as?: string
  readonly headers?: Record<string, string>
  readonly body?: unknown
  readonly signal?: AbortSignal
}

/** The code of a problem. */
export async function codeOf(response: Response): Promise<string> {
  const { code, status } = (await response.json()) as { code: string; status: number }
  return `${status} ${code}`
}

/** An agent that answers every call with the same JSON. */
export const answering =
  (value: unknown = { jsonrpc: '2.0', id: 1, result: {} }): RequestListener =>
  (_request, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
