import { readFile, stat } from 'node:fs/promises'
import { bundledFile } from '../../runtime/bundled-file.ts'
import { isPage } from '../http/access/guard.ts'
import { type ApiContext, createRoutes } from '../http/context.ts'
import { Problem } from '../http/problem.ts'
import { baseHeaders, jsonReply, type Reply } from '../http/reply.ts'
import { respond, respondAsIs } from '../http/respond.ts'
import type { ApiPorts } from '../ports.ts'

/** One file of the built dashboard; `config/ui.ts` writes the list. */
type BuiltFile = {
  readonly path: string
  readonly type: string
  readonly hash: string
  readonly encodings: readonly Encoding[]
}
type Encoding = 'br' | 'gz'

/** The dashboard loads only what this daemon serves, and runs no script or style of a page. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const securityHeaders = {
  ...baseHeaders,
  'content-security-policy': policy,
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
} as const

/** One build of the dashboard, with the replies made of it so far. */
type Build = {
  /** Differs from that of any other build. */
  readonly stamp: string
  readonly files: ReadonlyMap<string, BuiltFile>
  readonly replies: Map<string, Promise<Reply>>
}

/**
 * The dashboard at `/ui`. Its files are read when they are first asked for, and kept until it is built again. They need no token: the
 * page asks for one where the API does.
 *
 * `urlOf`: where a file of the built dashboard is.
 */
export function dashboardApi({ ui, urlOf = bundledUrlOf }: Pick<ApiPorts, 'ui'> & { urlOf?: (path: string) => URL }) {
  const api = createRoutes()
  let current: Build | undefined

  /** The build in the folder now. While a build replaces it, the last one. */
  async function builtNow(): Promise<Build> {
    const list = urlOf('files.json')
    try {
      const { mtimeMs, size } = await stat(list)
      const stamp = `${mtimeMs} ${size}`
      if (current?.stamp !== stamp) {
        const files = JSON.parse(await readFile(list, 'utf8')) as BuiltFile[]
        current = { stamp, files: new Map(files.map((file) => [file.path, file])), replies: new Map() }
      }
      return current
    } catch (error) {
      if (current) return current
      throw notBuilt(error)
    }
  }

  function kept({ replies }: Build, key: string, make: () => Promise<Reply>): Promise<Reply> {
    const known = replies.get(key)
    if (known) return known
    const reply = make().catch((error: unknown) => {
      replies.delete(key)
      throw notBuilt(error)
    })
    replies.set(key, reply)
    return reply
  }

  async function asset(c: ApiContext, path: string): Promise<Response> {
    const build = await builtNow()
    const file = build.files.get(path)
    if (!file) throw new Problem('route_not_found', 'The dashboard has no such file; reload the page.')
    const accepted = c.env.incoming.headers['accept-encoding'] ?? ''
    const encoding = file.encodings.find((one) => accepts(accepted, one))
    return respondAsIs(c, await kept(build, `${path} ${encoding ?? ''}`, () => assetReply(file, encoding)))
  }

  /** The page. It names its assets relative to its own path, so that it also works behind a path prefix. */
  async function page(c: ApiContext, path: string): Promise<Response> {
    const build = await builtNow()
    const file = build.files.get('index.html')
    if (!file) throw notBuilt()
    const depth = path.split('/').length - 1
    if (depth > maxDepth) throw new Problem('route_not_found', 'No page of the dashboard has such a long path.')
    const reply = await kept(build, `page ${depth}`, async () => {
      const html = await readFile(urlOf(file.path), 'utf8')
      const body = Buffer.from(depth === 0 ? html : html.replaceAll('"./', `"${'../'.repeat(depth)}`))
      const headers = { ...securityHeaders, 'content-type': file.type }
      return jsonReply(body, { etag: `"${file.hash}-${depth}"`, headers })
    })
    return respond(c, reply)
  }

  async function assetReply({ path, type, hash }: BuiltFile, encoding: Encoding | undefined): Promise<Reply> {
    const body = await readFile(urlOf(encoding ? `${path}.${encoding}` : path))
    const etag = `"${hash}${encoding ? `-${encoding}` : ''}"`
    const unchanged = {
      ...securityHeaders,
      etag,
      'cache-control': path.includes('-') ? 'public, max-age=31536000, immutable' : 'no-cache',
      vary: 'Accept-Encoding',
    }
    const headers = {
      ...unchanged,
      'content-type': type,
      'content-length': String(body.length),
      ...(encoding ? { 'content-encoding': encoding === 'gz' ? 'gzip' : encoding } : {}),
    }
    return { status: 200, headers, body, etag, unchanged }
  }

  api.get('/ui/*', (c) => {
    assertEnabled(ui)
    const path = pathIn(c)
    // Relative: a proxy may have taken a prefix away.
    if (path === undefined) return redirect(c, 'ui/')
    return path.startsWith('assets/') ? asset(c, path) : page(c, path)
  })
  return api
}

/** Leads a browser that opens `/` to the dashboard; undefined for any other client. */
export function leadToDashboard(c: ApiContext, ui: ApiPorts['ui']): Response | undefined {
  return ui().enabled && isPage(c.env.incoming) ? redirect(c, 'ui/') : undefined
}

/** Parts of the longest path that the page has: `/ui/servers/{namespace}/{name}`. */
const maxDepth = 8

function assertEnabled(ui: ApiPorts['ui']): void {
  if (!ui().enabled) throw new Problem('dashboard_disabled', 'The dashboard is off; set ui.enabled in the config.')
}

/** The path below `/ui/`; undefined for `/ui` itself. */
function pathIn(c: ApiContext): string | undefined {
  const path = (c.env.incoming.url ?? '').split('?', 1)[0] ?? ''
  return path.startsWith('/ui/') ? path.slice('/ui/'.length) : undefined
}

function redirect({ env: { incoming, cors } }: ApiContext, location: string): Response {
  const query = incoming.url?.includes('?') ? incoming.url.slice(incoming.url.indexOf('?')) : ''
  const headers = { ...baseHeaders, location: location + query, vary: 'Accept, Origin', 'cache-control': 'no-cache' }
  return new Response(null, { status: 302, headers: { ...headers, ...cors } })
}

function notBuilt(cause?: unknown): Problem {
  return new Problem(
    'dashboard_not_built',
    'The dashboard is not built, or is being built: run `npm run build:ui` and ask again.',
    { headers: { 'retry-after': '1' }, cause },
  )
}

const bundledUrlOf = (path: string) =>
  bundledFile(`../../../dist/ui/${path}`, { from: import.meta.url, built: `../ui/${path}` })

/** Whether an `Accept-Encoding` names the encoding without refusing it. */
function accepts(header: string, encoding: Encoding): boolean {
  const name = encoding === 'gz' ? 'gzip' : encoding
  return header.split(',').some((item) => {
    const [given = '', quality = ''] = item.split(';').map((part) => part.trim().toLowerCase())
    return given === name && !/^q=0(\.0*)?$/.test(quality)
  })
}
