/**
 * Builds the split, minified bundle of the command line, and the client library with its type declarations, into `dist/`
 * or the folder given as argument.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { basename } from 'node:path'
import { build, type BuildOptions, type Plugin } from 'esbuild'
import { lightHonoAdapter } from './hono-adapter.ts'
import { buildUi } from './ui.ts'

/** Drops the message catalogues of zod except English: fifty languages, a third of the code loaded at start. */
const englishOnly: Plugin = {
  name: 'english-only',
  setup({ onLoad }) {
    onLoad({ filter: /zod[/\\]v4[/\\]locales[/\\]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js'",
    }))
  },
}

/** Drops the transport threads of pino, and loads `assert` on demand: the log writes without them. */
const withoutTransports: Plugin = {
  name: 'without-transports',
  setup({ onLoad, onResolve }) {
    onLoad({ filter: /pino[/\\]lib[/\\]transport\.js$/ }, () => ({ contents: 'module.exports = undefined' }))
    onResolve({ filter: /^assert$/ }, ({ path, kind, importer }) =>
      kind === 'require-call' && /sonic-boom/.test(importer) ? { path, namespace: 'on-demand' } : undefined,
    )
    onLoad({ filter: /./, namespace: 'on-demand' }, ({ path }) => ({
      contents: `module.exports = (...args) => process.getBuiltinModule('${path}')(...args)`,
    }))
  },
}

/** Modules of Node that load slowly and are not needed for the first response. */
const slowModules = new Set(['node:crypto', 'node:dgram', 'node:zlib'])

/**
 * Reads the modules of Node through `process.getBuiltinModule`. An import creates a facade that reads every export, also
 * those that load further modules at their first read. Here only the exports in use are read, and a slow module is loaded
 * when one of its functions is first called.
 */
const withoutFacades: Plugin = {
  name: 'without-facades',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /./ }, ({ path, kind }) =>
      kind === 'import-statement' && isBuiltin(path) && path !== 'node:module'
        ? { path, namespace: 'builtin', sideEffects: false }
        : undefined,
    )
    onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => {
      const properties = Object.getOwnPropertyDescriptors(process.getBuiltinModule(path) ?? {})
      const names = Object.keys(properties).filter((name) => name !== 'default')
      const isFunction = (name: string) => typeof properties[name]?.value === 'function' && /^[a-z]/.test(name)
      const constants = names.map((name) => {
        const read = slowModules.has(path) && isFunction(name) ? 'readOnCall' : 'read'
        return `const export_${name} = /* @__PURE__ */ ${read}('${name}')`
      })
      const exported = names.map((name) => `export_${name} as ${name}`)
      return {
        contents: [
          `const builtin = /* @__PURE__ */ process.getBuiltinModule('${path}')`,
          'const read = (name) => builtin[name]',
          `const readOnCall = (name) => (...args) => process.getBuiltinModule('${path}')[name](...args)`,
          ...constants,
          `export { builtin as default, ${exported.join(', ')} }`,
        ].join('\n'),
      }
    })
  },
}

/** Defines `require`, which CommonJS dependencies call and an ES module does not have. */
const banner =
  "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);"

const out = process.argv[2] ?? 'dist'
rmSync(out, { recursive: true, force: true })

/** Options of every bundle that runs in Node. */
const settings = {
  bundle: true,
  minify: true,
  sourcemap: false,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  banner: { js: banner },
  logLevel: 'warning',
} satisfies BuildOptions

// A thread is started from its file, so each is a bundle of its own beside the chunks.
await build({
  ...settings,
  entryPoints: {
    'parse-worker': 'src/sources/documents/parse-worker.ts',
    'sqlite-thread': 'src/stores/sqlite/thread.ts',
  },
  outdir: `${out}/chunks`,
  plugins: [englishOnly, withoutTransports, lightHonoAdapter, withoutFacades],
})

const { metafile } = await build({
  ...settings,
  entryPoints: { main: 'src/main.ts' },
  outdir: out,
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  plugins: [englishOnly, withoutTransports, lightHonoAdapter, withoutFacades],
  metafile: true,
})
const { outputs } = metafile
await buildScript(loadedWith('src/cli/process.ts', 'src/cli/serve.ts', 'src/daemon.ts', 'src/stores/sqlite/sqlite.ts'))

/** The chunks that are always loaded with these modules. */
function loadedWith(...modules: readonly string[]): Set<string> {
  const files = new Set(Object.keys(outputs).filter((file) => modules.includes(outputs[file]?.entryPoint ?? '')))
  for (const file of files) {
    for (const { path, kind } of outputs[file]?.imports ?? []) {
      if (kind === 'import-statement' && path in outputs) files.add(path)
    }
  }
  return files
}

/**
 * Combines the chunks into one script: resolving, reading and linking a hundred small files takes longer than running
 * them, and `script.ts` can cache the compiled code of a script. Each chunk becomes a re-export of its part.
 */
async function buildScript(files: ReadonlySet<string>): Promise<void> {
  const inside = new Map([...files].map((file) => [`./${basename(file)}`, file]))
  const chunkPlugin: Plugin = {
    name: 'chunk',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^\.\// }, ({ path }) => ({ external: !inside.has(path) }))
      // A script has no dynamic import of its own.
      onLoad({ filter: /./ }, ({ path }) => ({
        contents: readFileSync(path, 'utf8')
          .replace(banner, '')
          .replaceAll(/\bimport\("([^"]+)"\)/g, (statement, chunk: string) =>
            inside.has(chunk) ? statement : `importChunk("${chunk}")`,
          ),
      }))
    },
  }
  const { outputFiles } = await build({
    ...settings,
    stdin: {
      contents: [...inside.keys()].map((path) => `exports['${path}'] = () => require('${path}')`).join('\n'),
      resolveDir: `${out}/chunks`,
    },
    format: 'cjs',
    banner: { js: '((require, moduleUrl, importChunk) => { const module = { exports: {} }, { exports } = module;' },
    footer: { js: 'return module.exports })' },
    define: { 'import.meta.url': 'moduleUrl' },
    plugins: [chunkPlugin],
    write: false,
  })
  const text = outputFiles[0]!.text
  const name = `script-${createHash('sha256').update(text).digest('hex').slice(0, 16)}.cjs`
  writeFileSync(`${out}/chunks/${name}`, text)
  await build({
    ...settings,
    entryPoints: ['config/script.ts'],
    outdir: `${out}/chunks`,
    define: { SCRIPT: `'${name}'` },
    plugins: [withoutFacades],
  })
  for (const [path, file] of inside) {
    const names = (outputs[file]?.exports ?? []).join()
    writeFileSync(file, `import{part}from"./script.js";export const{${names}}=part("${path}")`)
  }
}

// The client library is one file without imports, for browsers and older versions of Node.
await build({
  entryPoints: ['src/client/index.ts'],
  outfile: `${out}/client/index.js`,
  bundle: true,
  platform: 'browser',
  target: 'es2022',
  format: 'esm',
  logLevel: 'warning',
})

// The fleet and the agent run in Node only. Their peer, the MCP SDK, is loaded on use and stays outside.
await build({
  entryPoints: { 'connect/index': 'src/client/connect/index.ts', 'agent/index': 'src/client/agent/index.ts' },
  outdir: `${out}/client`,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  external: ['@modelcontextprotocol/*'],
  logLevel: 'warning',
})

await buildUi(`${out}/ui`)
copyFileSync('config/openapi.json', `${out}/chunks/openapi.json`)

// Declarations of the client library only.
execFileSync('node_modules/.bin/tsc', ['-p', 'config/types.json', '--outDir', `${out}/types`], { stdio: 'inherit' })
chmodSync(`${out}/main.js`, 0o755)
