import { readFile } from 'node:fs/promises'
import type { RequestOptions } from 'node:https'
import { dirname, resolve } from 'node:path'
// The heaviest package of all: only this file imports it, and only a source with a kubeconfig loads this file.
import { KubeConfig, type RequestContext } from '@kubernetes/client-node'
import type { Dispatcher } from 'undici'
import * as z from 'zod'
import { SourceError } from '../../../model/source.ts'
import { parseYaml } from '../../documents/syntax/yaml.ts'
import type { KubeCredentials, KubeTls } from './credentials.ts'

const toText = (value: unknown) =>
  typeof value === 'string' || Buffer.isBuffer(value) ? value.toString('utf8').trim() : undefined

/** Loads a kubeconfig with referenced files, tokens, client certificates, exec plugins, auth providers and proxies. */
export async function loadKubeconfig(path: string, context?: string): Promise<KubeCredentials> {
  let config = await load(path, context)
  let proxyDispatcher: Dispatcher | undefined
  const cluster = config.client.getCurrentCluster()
  if (!cluster)
    throw unusable(path, `its context ${JSON.stringify(config.client.getCurrentContext())} names no cluster`)
  const namespace = config.client.getContextObject(config.client.getCurrentContext())?.namespace

  async function current(): ReturnType<KubeCredentials['current']> {
    try {
      return cluster?.proxyUrl ? await throughProxy() : await direct()
    } catch (error) {
      // The output of a failed exec plugin may hold a secret, so the message omits it.
      throw new SourceError(`credentials of ${path} unavailable: its token, certificate or plugin failed`, {
        class: 'auth',
        cause: error,
      })
    }
  }

  async function direct(): ReturnType<KubeCredentials['current']> {
    const options: RequestOptions = {}
    await config.client.applyToHTTPSOptions(options)
    const { ca, cert, key, rejectUnauthorized } = options
    const { servername } = options as { servername?: string }
    const basic = options.auth ? { authorization: `Basic ${Buffer.from(options.auth).toString('base64')}` } : {}
    const tls = { ca: toText(ca), cert: toText(cert), key: toText(key), servername, rejectUnauthorized }
    return {
      headers: { ...basic, ...toHeaders(options.headers), ...(await tokenFileHeader()) },
      tls: withoutUndefined(tls),
    }
  }

  async function throughProxy(): ReturnType<KubeCredentials['current']> {
    const headers: Record<string, string> = {}
    const request = {
      setHeaderParam: (name: string, value: string) => void (headers[name.toLowerCase()] = value.trim()),
      setDispatcher: (dispatcher: Dispatcher) => void (proxyDispatcher ??= dispatcher),
    }
    await config.client.applySecurityAuthentication(request as unknown as RequestContext)
    return {
      headers: { ...headers, ...(await tokenFileHeader()) },
      tls: {},
      ...(proxyDispatcher && { dispatcher: proxyDispatcher }),
    }
  }

  /** Reads `tokenFile`, which the client ignores, for each request; it takes precedence over `token`, as in kubectl. */
  async function tokenFileHeader(): Promise<Record<string, string>> {
    const { tokenFile } = config
    return tokenFile === undefined ? {} : { authorization: `Bearer ${(await readFile(tokenFile, 'utf8')).trim()}` }
  }

  return {
    server: cluster.server.replace(/(?<!\/)\/+$/, ''),
    ...(namespace && { namespace }),
    current,
    refresh() {
      proxyDispatcher = undefined
      // A new client replaces the one that caches a token.
      load(path, context).then(
        (fresh) => (config = fresh),
        () => {}, // the next request keeps the old client and reports the rejection
      )
    },
  }
}

type LoadedKubeconfig = { readonly client: KubeConfig; readonly tokenFile: string | undefined }

async function load(path: string, context: string | undefined): Promise<LoadedKubeconfig> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw unusable(path, error instanceof Error && 'code' in error ? String(error.code) : 'it cannot be read', error)
  })
  const client = new KubeConfig()
  try {
    client.loadFromString(text)
    client.makePathsAbsolute(dirname(path))
  } catch (error) {
    throw unusable(path, 'it is not a kubeconfig in YAML or JSON', error)
  }
  if (context !== undefined) client.setCurrentContext(context)
  const names = client.getContexts().map(({ name }) => name)
  const current = client.getCurrentContext()
  if (!names.includes(current)) {
    throw unusable(path, `it has no context ${JSON.stringify(current ?? '')}; it has: ${names.join(', ') || 'none'}`)
  }
  // The client demands `skipTLSVerify` for plain HTTP.
  client.clusters = client.clusters.map((cluster) =>
    /^http:/i.test(cluster.server) ? { ...cluster, skipTLSVerify: true } : cluster,
  )
  const tokenFile = tokenFileIn(text, client.getCurrentUser()?.name)
  return { client, tokenFile: tokenFile === undefined ? undefined : resolve(dirname(path), tokenFile) }
}

const UserList = z.object({
  users: z.array(z.object({ name: z.string(), user: z.object({ tokenFile: z.string().min(1).optional() }).nullish() })),
})

function tokenFileIn(text: string, user: string | undefined): string | undefined {
  const { data } = UserList.safeParse(parseYaml(text)[0]?.value)
  return data?.users.find(({ name }) => name === user)?.user?.tokenFile
}

function unusable(path: string, reason: string, cause?: unknown): SourceError {
  return new SourceError(`the kubeconfig ${path} cannot be used: ${reason}`, { class: 'config', cause })
}

function toHeaders(headers: unknown): Record<string, string> {
  const entries = Object.entries((headers ?? {}) as Record<string, unknown>)
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), String(value).trim()]))
}

function withoutUndefined(tls: Record<string, unknown>): KubeTls {
  return Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined))
}
