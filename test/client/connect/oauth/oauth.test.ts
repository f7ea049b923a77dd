import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { getRequestListener } from '@hono/node-server'
import {
  auth,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthTokens,
} from '@modelcontextprotocol/client'
import {
  createMcpHandler,
  getOAuthProtectedResourceMetadataUrl,
  McpServer,
  requireBearerAuth,
} from '@modelcontextprotocol/server'
import { connectServers } from '../../../../src/client/connect/index.ts'
import { readEvents } from '../event-reader.ts'
import { startMcp, text } from '../mcp-servers.ts'
import { createServerFile } from '../server-file.ts'
import { createAuthorizationServer } from './authorization-server.ts'

async function serve(answer: (request: Request) => Promise<Response>) {
  const server = createServer((request, response) => void getRequestListener(answer)(request, response))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    origin,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => void server.close(() => resolve()))
    },
  }
}

/** A protected MCP server with its authorization server: on an origin of its own, or on the same one. */
async function startProtected({ isSameOrigin }: { readonly isSameOrigin: boolean }) {
  await using stack = new AsyncDisposableStack()
  const authorization = createAuthorizationServer()
  const own = stack.use(await serve(async (request) => (await authorization.answer(request)) ?? notFound()))
  let orders = 0
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: 'protected', version: '1.0.0' })
    server.registerTool('order', {}, () => text(`order ${(orders += 1)}`))
    return server
  })
  const guarded = stack.use(await serve(answer))
  const url = `${guarded.origin}/mcp`
  const issuer = isSameOrigin ? guarded.origin : own.origin
  const metadataUrl = getOAuthProtectedResourceMetadataUrl(new URL(url))
  const guard = requireBearerAuth({ verifier: authorization, resourceMetadataUrl: metadataUrl })

  async function answer(request: Request): Promise<Response> {
    if (request.url === metadataUrl) return Response.json({ resource: url, authorization_servers: [issuer] })
    const known = isSameOrigin ? await authorization.answer(request) : undefined
    if (known) return known
    if (new URL(request.url).pathname !== '/mcp') return notFound()
    const info = await guard(request)
    return info instanceof Response ? info : handler.fetch(request, { authInfo: info })
  }

  const owned = stack.move()
  return { url, authorization, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

const notFound = () => new Response(null, { status: 404 })

/** A client of OAuth that keeps what it is given, and sends its person to the authorization server where `isAsked`. */
function createProvider(serverUrl: string) {
  let client: Awaited<ReturnType<OAuthClientProvider['clientInformation']>>
  let tokens: StoredOAuthTokens | undefined
  let discovery: OAuthDiscoveryState | undefined
  let verifier = ''
  let redirects = 0
  let isAgreed = true
  const provider: OAuthClientProvider = {
    redirectUrl: 'http://127.0.0.1:9/callback',
    clientMetadata: { redirect_uris: ['http://127.0.0.1:9/callback'], client_name: 'fleet' },
    clientInformation: () => client,
    saveClientInformation: (information) => void (client = information),
    tokens: () => tokens,
    saveTokens: (next) => void (tokens = next),
    saveCodeVerifier: (next) => void (verifier = next),
    codeVerifier: () => verifier,
    invalidateCredentials: () => void (tokens = undefined),
    saveDiscoveryState: (next) => void (discovery = next),
    discoveryState: () => discovery,
    async redirectToAuthorization(url) {
      redirects += 1
      if (isAgreed) void agree(url)
    },
  }

  /** What a person and their browser do. */
  async function agree(url: URL): Promise<void> {
    const { headers } = await fetch(url, { redirect: 'manual' })
    const code = new URL(headers.get('location') ?? '').searchParams.get('code') ?? ''
    await auth(provider, { serverUrl, authorizationCode: code })
  }

  return { provider, redirects: () => redirects, refuse: () => void (isAgreed = false) }
}

for (const isSameOrigin of [false, true]) {
  describe(`OAuth with an authorization server on ${isSameOrigin ? 'the same' : 'its own'} origin`, () => {
    it('connects a fleet once its person agreed, refreshes expired tokens, and shows a revoked one without secrets', async () => {
      await using server = await startProtected({ isSameOrigin })
      const { authorization, url } = server
      const person = createProvider(url)
      await using place = await createServerFile({ a: { url, health_check: 'none' } })
      await using fleet = await connectServers({
        roster: place.daemon.url,
        credentials: () => ({ authProvider: person.provider }),
        retryDelayMs: 20,
        maxPauseMs: 50,
      })
      const events = readEvents(fleet)

      await events.next('connected', 'default/a')
      assert.deepEqual((await fleet.call('order')).content, text('order 1').content)
      assert.deepEqual(authorization.counts, { registrations: 1, authorizations: 1, refreshes: 0 })

      authorization.expire()
      assert.deepEqual((await fleet.call('order')).content, text('order 2').content)
      assert.equal(authorization.counts.refreshes, 1)
      assert.equal(person.redirects(), 1)

      person.refuse()
      authorization.revoke()
      const failure = await fleet.call('order').catch((error: unknown) => error)
      assert.equal((failure as { code: string }).code, 'failed')
      assert.equal((await events.next('lost')).reason, 'answered with status 401')
      assert.match((await events.next('reconnecting')).reason ?? '', /^answered with status 401/)
      for (let attempt = 0; attempt < 3; attempt += 1) assert.equal(await fleet.connect('a'), false)
      assert.equal(fleet.get('a')?.reason, 'answered with status 401')
      assert.equal(person.redirects(), 2)

      const shown = inspect([failure, events.seen, [...fleet.connections.values()], fleet.stats()], { depth: 20 })
      for (const secret of authorization.issued) assert.ok(!shown.includes(secret), 'a secret is shown')
    })

    it('leaves a call with a revoked token to another server, because it was not carried out', async () => {
      await using server = await startProtected({ isSameOrigin })
      await using other = await startMcp({ build: (made) => made.registerTool('order', {}, () => text('other')) })
      const person = createProvider(server.url)
      await using place = await createServerFile({
        a: { url: server.url, health_check: 'none' },
        b: { url: other.url, health_check: 'none' },
      })
      await using fleet = await connectServers({
        roster: place.daemon.url,
        strategy: 'round_robin',
        credentials: ({ name }) => (name === 'a' ? { authProvider: person.provider } : undefined),
        retryDelayMs: 20,
        maxPauseMs: 50,
      })
      while (fleet.active.length < 2) await new Promise(setImmediate)
      person.refuse()
      server.authorization.revoke()

      for (let call = 0; call < 3; call += 1)
        assert.deepEqual((await fleet.call('order')).content, text('other').content)
    })
  })
}
