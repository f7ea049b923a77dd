/** Builds `dist/`: the split, minified bundle that the bin runs, and the type declarations of the client library. */
import { execFileSync } from 'node:child_process'
import { chmodSync, rmSync } from 'node:fs'
import { build, type Plugin } from 'esbuild'

/** zod brings its messages in fifty languages, a third of all we load at start; ours are English. */
const englishOnly: Plugin = {
  name: 'english-only',
  setup({ onLoad }) {
    onLoad({ filter: /zod[/\\]v4[/\\]locales[/\\]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js'",
    }))
  },
}

rmSync('dist', { recursive: true, force: true })

await build({
  entryPoints: {
    main: 'src/main.ts',
    // Threads are started by their file, which lies beside the chunks that start them.
    'chunks/parse-worker': 'src/sources/documents/parse-worker.ts',
    'chunks/sqlite-thread': 'src/stores/sqlite/thread.ts',
  },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  minify: true,
  sourcemap: false,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  chunkNames: 'chunks/[name]-[hash]',
  // Some dependencies are CommonJS and call require, which a module does not have.
  banner: {
    js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
  },
  plugins: [englishOnly],
  logLevel: 'warning',
})

// The client library stands by itself, so that browsers and older Nodes can read it: one file that imports nothing.
await build({
  entryPoints: ['src/client/index.ts'],
  outfile: 'dist/client/index.js',
  bundle: true,
  platform: 'browser',
  target: 'es2022',
  format: 'esm',
  logLevel: 'warning',
})

// The types of the client library only; with the settings of the repository.
execFileSync('node_modules/.bin/tsc', ['-p', 'config/types.json', '--outDir', 'dist/types'], { stdio: 'inherit' })
chmodSync('dist/main.js', 0o755)
