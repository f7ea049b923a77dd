import { readFile } from 'node:fs/promises'
import type { RequestOptions } from 'node:https'
import { dirname } from 'node:path'
// The heaviest package of all: only this file imports it, and only those who name a kubeconfig import this file.
import { KubeConfig, type RequestContext } from '@kubernetes/client-node'
import type { Dispatcher } from 'undici'
import { SourceError } from '../../model/source.ts'
import type { Identity, Tls } from './identity.ts'

const textOf = (value: unknown) =>
  typeof value === 'string' || Buffer.isBuffer(value) ? value.toString('utf8').trim() : undefined

/** Loads a kubeconfig: files it names, tokens, client certificates, exec plugins, auth providers and proxies included. */
export async function fromKubeconfig(path: string, context?: string): Promise<Identity> {
  let config = await load(path, context)
  let proxied: Dispatcher | undefined
  const cluster = config.getCurrentCluster()
  if (!cluster) throw refused(path, `its context ${JSON.stringify(config.getCurrentContext())} names no cluster`)
  const namespace = config.getContextObject(config.getCurrentContext())?.namespace

  async function present(): ReturnType<Identity['present']> {
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

  async function direct(): ReturnType<Identity['present']> {
    const options: RequestOptions = {}
    await config.applyToHTTPSOptions(options)
    const { ca, cert, key, pfx, passphrase, rejectUnauthorized } = options
    const { servername } = options as { servername?: string }
    const basic = options.auth ? { authorization: `Basic ${Buffer.from(options.auth).toString('base64')}` } : {}
    const material = { ca: textOf(ca), cert: textOf(cert), key: textOf(key), pfx: textOf(pfx) }
    const tls = { ...material, passphrase, servername, rejectUnauthorized }
    return { headers: { ...basic, ...headersOf(options.headers) }, tls: withoutBlanks(tls) }
  }

  async function throughProxy(): ReturnType<Identity['present']> {
    const headers: Record<string, string> = {}
    const request = {
      setHeaderParam: (name: string, value: string) => void (headers[name.toLowerCase()] = value.trim()),
      setDispatcher: (dispatcher: Dispatcher) => void (proxied ??= dispatcher),
    }
    await config.applySecurityAuthentication(request as unknown as RequestContext)
    return { headers, tls: {}, ...(proxied && { dispatcher: proxied }) }
  }

  return {
    server: cluster.server.replace(/\/+$/, ''),
    ...(namespace && { namespace }),
    present,
    renew() {
      proxied = undefined
      // A client that remembers a token is left behind for one that does not.
      load(path, context).then(
        (fresh) => (config = fresh),
        () => {}, // an unreadable file shows at the next request, which still has the old one
      )
    },
  }
}

async function load(path: string, context: string | undefined): Promise<KubeConfig> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw refused(path, error instanceof Error && 'code' in error ? String(error.code) : 'it cannot be read', error)
  })
  const config = new KubeConfig()
  try {
    config.loadFromString(text)
    config.makePathsAbsolute(dirname(path))
  } catch (error) {
    throw refused(path, 'it is no kubeconfig in YAML or JSON', error)
  }
  if (context !== undefined) config.setCurrentContext(context)
  const names = config.getContexts().map(({ name }) => name)
  const current = config.getCurrentContext()
  if (!names.includes(current)) {
    throw refused(path, `it has no context ${JSON.stringify(current ?? '')}; it has: ${names.join(', ') || 'none'}`)
  }
  // Where nothing is encrypted there is nothing to verify; the client demands that this is said.
  config.clusters = config.clusters.map((one) => (/^http:/i.test(one.server) ? { ...one, skipTLSVerify: true } : one))
  return config
}

function refused(path: string, reason: string, cause?: unknown): SourceError {
  return new SourceError(`the kubeconfig ${path} cannot be used: ${reason}`, { class: 'config', cause })
}

function headersOf(headers: unknown): Record<string, string> {
  const entries = Object.entries((headers ?? {}) as Record<string, unknown>)
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), String(value).trim()]))
}

function withoutBlanks(tls: Record<string, unknown>): Tls {
  return Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined)) as Tls
}
