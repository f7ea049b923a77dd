import { readFile } from 'node:fs/promises'
import type { RequestOptions } from 'node:https'
import { dirname, resolve } from 'node:path'
// The heaviest package of all: only this file imports it, and only those who name a kubeconfig import this file.
import { KubeConfig, type RequestContext } from '@kubernetes/client-node'
import type { Dispatcher } from 'undici'
import * as z from 'zod'
import { SourceError } from '../../../model/source.ts'
import { parseYaml } from '../../documents/syntax/yaml.ts'
import type { KubeCredentials, KubeTls } from './credentials.ts'

const textOf = (value: unknown) =>
  typeof value === 'string' || Buffer.isBuffer(value) ? value.toString('utf8').trim() : undefined

/** Loads a kubeconfig: files it names, tokens, client certificates, exec plugins, auth providers and proxies included. */
export async function loadKubeconfig(path: string, context?: string): Promise<KubeCredentials> {
  let config = await load(path, context)
  let proxied: Dispatcher | undefined
  const cluster = config.client.getCurrentCluster()
  if (!cluster) throw refused(path, `its context ${JSON.stringify(config.client.getCurrentContext())} names no cluster`)
  const namespace = config.client.getContextObject(config.client.getCurrentContext())?.namespace

  async function present(): ReturnType<KubeCredentials['current']> {
    try {
      return cluster?.proxyUrl ? await throughProxy() : await direct()
    } catch (error) {
      // What an exec plugin writes on its way down may hold a secret, so only the fact is told.
      throw new SourceError(
        `the credentials of ${path} cannot be had: the token, certificate or plugin it names failed`,
        {
          class: 'auth',
          cause: error,
        },
      )
    }
  }

  async function direct(): ReturnType<KubeCredentials['current']> {
    const options: RequestOptions = {}
    await config.client.applyToHTTPSOptions(options)
    const { ca, cert, key, rejectUnauthorized } = options
    const { servername } = options as { servername?: string }
    const basic = options.auth ? { authorization: `Basic ${Buffer.from(options.auth).toString('base64')}` } : {}
    const tls = { ca: textOf(ca), cert: textOf(cert), key: textOf(key), servername, rejectUnauthorized }
    return { headers: { ...basic, ...headersOf(options.headers), ...(await fromFile()) }, tls: withoutBlanks(tls) }
  }

  async function throughProxy(): ReturnType<KubeCredentials['current']> {
    const headers: Record<string, string> = {}
    const request = {
      setHeaderParam: (name: string, value: string) => void (headers[name.toLowerCase()] = value.trim()),
      setDispatcher: (dispatcher: Dispatcher) => void (proxied ??= dispatcher),
    }
    await config.client.applySecurityAuthentication(request as unknown as RequestContext)
    return { headers: { ...headers, ...(await fromFile()) }, tls: {}, ...(proxied && { dispatcher: proxied }) }
  }

  /** `tokenFile` is what the client does not know; it wins over a token, as in kubectl, and is read each time. */
  async function fromFile(): Promise<Record<string, string>> {
    const { tokenFile } = config
    return tokenFile === undefined ? {} : { authorization: `Bearer ${(await readFile(tokenFile, 'utf8')).trim()}` }
  }

  return {
    server: cluster.server.replace(/\/+$/, ''),
    ...(namespace && { namespace }),
    current: present,
    refresh() {
      proxied = undefined
      // A client that remembers a token is left behind for one that does not.
      load(path, context).then(
        (fresh) => (config = fresh),
        () => {}, // an unreadable file shows at the next request, which still has the old one
      )
    },
  }
}

type Loaded = { readonly client: KubeConfig; readonly tokenFile: string | undefined }

async function load(path: string, context: string | undefined): Promise<Loaded> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw refused(path, error instanceof Error && 'code' in error ? String(error.code) : 'it cannot be read', error)
  })
  const client = new KubeConfig()
  try {
    client.loadFromString(text)
    client.makePathsAbsolute(dirname(path))
  } catch (error) {
    throw refused(path, 'it is no kubeconfig in YAML or JSON', error)
  }
  if (context !== undefined) client.setCurrentContext(context)
  const names = client.getContexts().map(({ name }) => name)
  const current = client.getCurrentContext()
  if (!names.includes(current)) {
    throw refused(path, `it has no context ${JSON.stringify(current ?? '')}; it has: ${names.join(', ') || 'none'}`)
  }
  // Where nothing is encrypted there is nothing to verify; the client demands that this is said.
  client.clusters = client.clusters.map((one) => (/^http:/i.test(one.server) ? { ...one, skipTLSVerify: true } : one))
  const tokenFile = tokenFileIn(text, client.getCurrentUser()?.name)
  return { client, tokenFile: tokenFile === undefined ? undefined : resolve(dirname(path), tokenFile) }
}

const Users = z.object({
  users: z.array(z.object({ name: z.string(), user: z.object({ tokenFile: z.string().min(1).optional() }).nullish() })),
})

function tokenFileIn(text: string, user: string | undefined): string | undefined {
  const { data } = Users.safeParse(parseYaml(text)[0]?.value)
  return data?.users.find(({ name }) => name === user)?.user?.tokenFile
}

function refused(path: string, reason: string, cause?: unknown): SourceError {
  return new SourceError(`the kubeconfig ${path} cannot be used: ${reason}`, { class: 'config', cause })
}

function headersOf(headers: unknown): Record<string, string> {
  const entries = Object.entries((headers ?? {}) as Record<string, unknown>)
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), String(value).trim()]))
}

function withoutBlanks(tls: Record<string, unknown>): KubeTls {
  return Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined))
}
