/**
 * Builds the split, minified bundle that the bin runs, and the type declarations of the client library: `dist/`, or the
 * folder that is named.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { basename } from 'node:path'
import { build, type BuildOptions, type Plugin } from 'esbuild'

/** zod brings its messages in fifty languages, a third of all we load at start; ours are English. */
const englishOnly: Plugin = {
  name: 'english-only',
  setup({ onLoad }) {
    onLoad({ filter: /zod[/\\]v4[/\\]locales[/\\]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js'",
    }))
  },
}

/** pino brings threads that write for it, and asserts about them; ours writes by itself. */
const withoutTransports: Plugin = {
  name: 'without-transports',
  setup({ onLoad, onResolve }) {
    onLoad({ filter: /pino[/\\]lib[/\\]transport\.js$/ }, () => ({ contents: 'module.exports = undefined' }))
    onResolve({ filter: /^assert$/ }, ({ path, kind, importer }) =>
      kind === 'require-call' && /sonic-boom/.test(importer) ? { path, namespace: 'when-called' } : undefined,
    )
    onLoad({ filter: /./, namespace: 'when-called' }, ({ path }) => ({
      contents: `module.exports = (...given) => process.getBuiltinModule('${path}')(...given)`,
    }))
  },
}

/** Modules of Node that take long to load, and are not needed for the first answer. */
const slow = new Set(['node:crypto', 'node:dgram', 'node:zlib'])

/**
 * Node's own modules, asked for directly. An import makes a facade of each, which reads every export there is, those that
 * load much when they are first seen included; here only what is used is read. The functions of the slow ones load them when
 * they are called.
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
      const parts = Object.getOwnPropertyDescriptors(process.getBuiltinModule(path) ?? {})
      const names = Object.keys(parts).filter((name) => name !== 'default')
      const isCalled = (name: string) => typeof parts[name]?.value === 'function' && /^[a-z]/.test(name)
      const picked = names.map((name) => {
        const how = slow.has(path) && isCalled(name) ? 'later' : 'pick'
        return `const picked_${name} = /* @__PURE__ */ ${how}('${name}')`
      })
      const exported = names.map((name) => `picked_${name} as ${name}`)
      return {
        contents: [
          `const whole = /* @__PURE__ */ process.getBuiltinModule('${path}')`,
          'const pick = (name) => whole[name]',
          `const later = (name) => (...given) => process.getBuiltinModule('${path}')[name](...given)`,
          ...picked,
          `export { whole as default, ${exported.join(', ')} }`,
        ].join('\n'),
      }
    })
  },
}

/** Some dependencies are CommonJS and call require, which a module does not have. */
const banner =
  "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);"

const out = process.argv[2] ?? 'dist'
rmSync(out, { recursive: true, force: true })

/** How everything is built that runs in Node. */
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

// Threads are started by their file, which lies beside the chunks that start them, and share nothing with anybody.
await build({
  ...settings,
  entryPoints: {
    'parse-worker': 'src/sources/documents/parse-worker.ts',
    'sqlite-thread': 'src/stores/sqlite/thread.ts',
  },
  outdir: `${out}/chunks`,
  plugins: [englishOnly, withoutTransports, withoutFacades],
})

const { metafile } = await build({
  ...settings,
  entryPoints: { main: 'src/main.ts' },
  outdir: out,
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  plugins: [englishOnly, withoutTransports, withoutFacades],
  metafile: true,
})
const { outputs } = metafile
await gather(loadedBy('src/cli/process.ts', 'src/cli/serve.ts', 'src/daemon.ts', 'src/stores/sqlite/sqlite.ts'))

/** The files that are loaded with these modules, whatever is asked for. */
function loadedBy(...modules: readonly string[]): Set<string> {
  const files = new Set(Object.keys(outputs).filter((file) => modules.includes(outputs[file]?.entryPoint ?? '')))
  for (const file of files) {
    for (const { path, kind } of outputs[file]?.imports ?? []) {
      if (kind === 'import-statement' && path in outputs) files.add(path)
    }
  }
  return files
}

/**
 * Makes one script of these chunks: to find, read and link a hundred small files takes longer than to run them, and of a
 * script `script.ts` can keep the code. They stay, as other names for what is in it.
 */
async function gather(files: ReadonlySet<string>): Promise<void> {
  const inside = new Map([...files].map((file) => [`./${basename(file)}`, file]))
  const chunk: Plugin = {
    name: 'chunk',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^\.\// }, ({ path }) => ({ external: !inside.has(path) }))
      // A script cannot import by itself.
      onLoad({ filter: /./ }, ({ path }) => ({
        contents: readFileSync(path, 'utf8')
          .replace(banner, '')
          .replaceAll(/\bimport\("([^"]+)"\)/g, (all, other: string) =>
            inside.has(other) ? all : `bring("${other}")`,
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
    banner: { js: '((require, here, bring) => { const module = { exports: {} }, { exports } = module;' },
    footer: { js: 'return module.exports })' },
    define: { 'import.meta.url': 'here' },
    plugins: [chunk],
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

// The client library stands by itself, so that browsers and older Nodes can read it: one file that imports nothing.
await build({
  entryPoints: ['src/client/index.ts'],
  outfile: `${out}/client/index.js`,
  bundle: true,
  platform: 'browser',
  target: 'es2022',
  format: 'esm',
  logLevel: 'warning',
})

copyFileSync('config/openapi.json', `${out}/chunks/openapi.json`)

// The types of the client library only; with the settings of the repository.
execFileSync('node_modules/.bin/tsc', ['-p', 'config/types.json', '--outDir', `${out}/types`], { stdio: 'inherit' })
chmodSync(`${out}/main.js`, 0o755)
