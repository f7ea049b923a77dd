import { PassThrough, type Readable, type Writable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import type { ClientCapabilities } from '@modelcontextprotocol/client'
import type { Target } from '../connection/target.ts'
import type { FleetSettings } from '../fleet-options.ts'
import { createPeer, type Message, methodNotFound, RpcFailure } from './json-rpc.ts'
import { createRemoteServer, type RemoteServer } from './remote-server.ts'

/** Versions of the protocol that a client on standard input and output can speak; the newest first. */
const localVersions = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const

/** Maximum time for the answers that are still to come when the input has ended, in ms. */
const maxFarewellMs = 30_000

export type BridgeOptions = {
  /** Where the remote server is; asked again for each connection. */
  readonly resolveTarget: () => Promise<Target>
  readonly settings: FleetSettings
  readonly input: Readable
  readonly output: Writable
  readonly signal: AbortSignal
  /** Told in words what happens to the connection. */
  readonly onEvent: (text: string) => void
}

/**
 * Lets a client that knows only standard input and output use a remote server, of either era of the protocol. What the client
 * can be asked (sampling, elicitation, roots) is passed on to it. Ends when the input ends or the signal aborts.
 */
export async function bridgeToStdio({
  resolveTarget,
  settings,
  input,
  output,
  signal,
  onEvent,
}: BridgeOptions): Promise<void> {
  const { StdioServerTransport } = await import('@modelcontextprotocol/server/stdio')
  const ending = new AbortController()
  const end = () => ending.abort()
  // The transport closes with its input; the answers that are still to come must be sent before.
  const relayed = new PassThrough()
  const transport = new StdioServerTransport(relayed, output)
  const send = (message: Message) => void transport.send(message as never).catch(end)
  const peer = createPeer(send, { onRequest, onNotification })
  let remote: RemoteServer | undefined
  let isFinishing = false

  function remoteFor(capabilities: ClientCapabilities): RemoteServer {
    return createRemoteServer({
      resolveTarget,
      settings,
      capabilities,
      onRequest: peer.request,
      onNotification: peer.notify,
      onReturn: tellOfLists,
      onEvent,
      signal: ending.signal,
    })
  }

  /** After a gap the client reads again what it lists. */
  function tellOfLists(): void {
    for (const list of ['tools', 'prompts', 'resources']) peer.notify(`notifications/${list}/list_changed`)
  }

  async function onRequest(method: string, params: Message['params'], cancelled: AbortSignal): Promise<unknown> {
    if (method === 'initialize') return initialize(params)
    if (method === 'ping') return {}
    if (method === 'server/discover')
      throw new RpcFailure({ code: methodNotFound, message: 'this side speaks the protocol with initialize' })
    remote ??= remoteFor({})
    const token = (params?.['_meta'] as { progressToken?: unknown } | undefined)?.progressToken
    const onProgress = (progress: object) =>
      peer.notify('notifications/progress', { ...progress, progressToken: token })
    const limits = { signal: AbortSignal.any([cancelled, ending.signal]) }
    return remote.request(method, params, token === undefined ? limits : { ...limits, onProgress })
  }

  async function initialize(params: Message['params']): Promise<unknown> {
    remote = remoteFor(params?.['capabilities'] ?? {})
    const { client } = await remote.session()
    const wanted = params?.['protocolVersion']
    const instructions = client.getInstructions()
    return {
      protocolVersion: localVersions.find((version) => version === wanted) ?? localVersions[0],
      capabilities: client.getServerCapabilities() ?? {},
      serverInfo: client.getServerVersion() ?? { name: 'unknown', version: '0' },
      ...(instructions === undefined ? {} : { instructions }),
    }
  }

  function onNotification(method: string, params: Message['params']): void {
    // The session with the server was opened before.
    if (method === 'notifications/initialized') return
    void remote?.notify(method, params).catch(() => undefined)
  }

  /** The client sends no more: what it has asked is answered first. */
  async function finish(): Promise<void> {
    if (isFinishing) return
    isFinishing = true
    const tooLate = setTimeout(end, maxFarewellMs)
    await setImmediate()
    await peer.idle()
    clearTimeout(tooLate)
    end()
  }

  // oxlint-disable unicorn/prefer-add-event-listener -- the SDK has these properties only
  transport.onmessage = (message) => peer.receive(message as Message)
  transport.onclose = end
  transport.onerror = () => onEvent('a line of the input is no message of JSON-RPC')
  // oxlint-enable unicorn/prefer-add-event-listener
  input.on('data', (chunk: Buffer) => void relayed.write(chunk))
  input.once('end', () => void finish())
  input.once('close', () => void finish())
  output.once('error', end)
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  await transport.start()
  if (!ending.signal.aborted) await new Promise((resolve) => ending.signal.addEventListener('abort', resolve))
  peer.close()
  await remote?.close()
  await transport.close()
}
