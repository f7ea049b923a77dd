import { readFileSync } from 'node:fs'
import type { Plugin } from 'esbuild'

/**
 * Makes the adapter of Hono (`@hono/node-server`) load less at start. Each change must find its text, so a new version of the adapter
 * fails the build instead of losing the change.
 *
 * - Without HTTP/2, which it loads only to recognize its requests: the daemon serves HTTP/1.1, and `node:http2` costs a fifth of a start.
 * - The global `Headers`, `Request` and `Response` on demand: reading one makes Node load its `fetch`, 12 to 28 ms of a start, and a
 *   route that answers with bytes and plain headers needs none of them.
 */
export const lightHonoAdapter: Plugin = {
  name: 'light-hono-adapter',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:)?http2$/ }, ({ importer, path }) =>
      /@hono[/\\]node-server/.test(importer) ? { path, namespace: 'no-http2', sideEffects: false } : undefined,
    )
    onLoad({ filter: /./, namespace: 'no-http2' }, () => ({
      contents: 'export class Http2ServerRequest {}\nexport const constants = {}',
    }))
    onLoad({ filter: /@hono[/\\]node-server[/\\]dist[/\\]index\.mjs$/ }, ({ path }) => ({
      contents: `${onDemandSource}${withReplacements(readFileSync(path, 'utf8'), adapterReplacements)}`,
    }))
    onLoad({ filter: /@hono[/\\]node-server[/\\]dist[/\\]utils[/\\]response\.mjs$/ }, ({ path }) => ({
      contents: withReplacements(readFileSync(path, 'utf8'), responseReplacements),
    }))
  },
}

/**
 * Stands in for a class of `fetch` that is loaded at its first use. A plain object or array is an instance of none of them, so the usual
 * question about plain headers loads nothing; neither does one about the adapter's own responses, which every HEAD asks. The prototypes are linked when the class is loaded.
 *
 * The global `Response` becomes the adapter's own by assignment: any other way to replace or inspect it makes Node load its `fetch`. So the
 * class behind it comes from `undici`, the library of which Node has a copy.
 */
const onDemandSource = `
const onDemand = (read) => {
  let original
  const load = () => {
    if (original) return original
    original = read()
    Object.setPrototypeOf(OnDemand, original)
    Object.setPrototypeOf(OnDemand.prototype, original.prototype)
    return original
  }
  function OnDemand(...args) {
    return Reflect.construct(load(), args, new.target === OnDemand ? original : new.target)
  }
  Object.defineProperty(OnDemand, Symbol.hasInstance, {
    value: (value) =>
      OnDemand.prototype.isPrototypeOf(value) ||
      (typeof value === 'object' && value !== null && !isPlain(value) && value instanceof load()),
  })
  return OnDemand
}
const isPlain = (value) => Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
const Headers = onDemand(() => globalThis.Headers)
`

type Replacement = readonly [text: string, by: string]

const adapterReplacements: readonly Replacement[] = [
  // Read at load time for web sockets, which nothing here serves.
  ['const CloseEvent = globalThis.CloseEvent ?? class', 'const CloseEvent = class'],
  // `Blob` loads the web streams; a body of bytes is none.
  [
    'body instanceof Blob || body instanceof Uint8Array) this',
    'body instanceof Uint8Array || body instanceof Blob) this',
  ],
  ['const GlobalHeaders = globalThis.Headers;', 'const GlobalHeaders = Headers;'],
  ['globalThis.Headers === GlobalHeaders ? new RequestHeaders(incoming)', 'true ? new RequestHeaders(incoming)'],
  [
    'const GlobalRequest = global.Request;',
    "const GlobalRequest = onDemand(() => require('undici/lib/web/fetch/request.js').Request);",
  ],
  [
    'const GlobalResponse = global.Response;',
    "const GlobalResponse = onDemand(() => require('undici/lib/web/fetch/response.js').Response);",
  ],
  [
    'options.overrideGlobalObjects !== false && global.Request !== Request$1',
    'options.overrideGlobalObjects !== false',
  ],
  ['Object.defineProperty(global, "Request", { value: Request$1 });', 'global.Request = Request$1;'],
  ['Object.defineProperty(global, "Response", { value: Response$1 });', 'global.Response = Response$1;'],
]

/** The mark of a response that a route wrote itself, read by its headers alone. */
const responseReplacements: readonly Replacement[] = [
  [
    'new Response(null, { headers: { [X_ALREADY_SENT]: "true" } })',
    '{ status: 200, body: null, headers: { [X_ALREADY_SENT]: "true" } }',
  ],
]

function withReplacements(source: string, replacements: readonly Replacement[]): string {
  return replacements.reduce((text, [from, to]) => {
    if (text.split(from).length !== 2) throw new Error(`@hono/node-server no longer has once: ${from}`)
    return text.replace(from, () => to)
  }, source)
}
