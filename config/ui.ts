/**
 * Builds the dashboard of `src/ui` into `dist/ui`, or the folder given as argument: assets that are named by their content, each
 * also compressed, the page, and `files.json`, which names them all for the daemon.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { BuildOptions, Metafile } from 'esbuild'

/** One file of the built dashboard, as `files.json` lists it. */
export type BuiltFile = {
  /** Relative to the folder, with slashes. */
  readonly path: string
  readonly type: string
  /** Hash of the content. */
  readonly hash: string
  /** Encodings for which there is a file with this ending too, best first. */
  readonly encodings: readonly ('br' | 'gz')[]
}

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Builds into `out`, which is emptied first. */
export async function buildUi(out: string): Promise<readonly BuiltFile[]> {
  // Loaded here, so that a missing package is an error of the build alone.
  const { build } = await import('esbuild')
  const settings: BuildOptions = {
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['chrome120', 'firefox121', 'safari17.4'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    outdir: 'assets',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    write: false,
    metafile: true,
    logLevel: 'warning',
    legalComments: 'none',
  }
  // Workers are programs of their own; the page is told their names.
  const workers = await build({
    ...settings,
    entryPoints: { shared: 'src/ui/data/shared-worker.ts', layout: 'src/ui/pages/graph/layout-worker.ts' },
  })
  const workerName = (source: string) => JSON.stringify(basename(outputOf(workers.metafile!, source)))
  const page = await build({
    ...settings,
    entryPoints: { app: 'src/ui/main.tsx' },
    splitting: true,
    define: {
      SHARED_WORKER: workerName('src/ui/data/shared-worker.ts'),
      LAYOUT_WORKER: workerName('src/ui/pages/graph/layout-worker.ts'),
    },
  })
  const assets = [...workers.outputFiles!, ...page.outputFiles!].map(({ path, contents }) => ({
    path: `assets/${basename(path)}`,
    content: Buffer.from(contents),
  }))
  const html = Buffer.from(pageOf(page.metafile!))
  const icon = readFileSync('src/ui/icon.svg')

  rmSync(out, { recursive: true, force: true })
  const files = [...assets, { path: 'index.html', content: html }, { path: 'assets/icon.svg', content: icon }].map(
    (file) => write(out, file),
  )
  writeFileSync(join(out, 'files.json'), JSON.stringify(files))
  return files
}

/** The page, with the names of its script, its style and what the script loads at once. */
function pageOf(metafile: Metafile): string {
  const script = outputOf(metafile, 'src/ui/main.tsx')
  const { cssBundle, imports } = metafile.outputs[script]!
  const preloads = imports
    .filter(({ kind }) => kind === 'import-statement')
    .map(({ path }) => `<link rel="modulepreload" href="./assets/${basename(path)}">`)
  return readFileSync('src/ui/index.html', 'utf8')
    .replace('<!-- style -->', `<link rel="stylesheet" href="./assets/${basename(cssBundle ?? '')}">`)
    .replace(
      '<!-- script -->',
      [...preloads, `<script type="module" src="./assets/${basename(script)}"></script>`].join('\n    '),
    )
}

function outputOf({ outputs }: Metafile, source: string): string {
  const found = Object.keys(outputs).find((path) => outputs[path]?.entryPoint === source)
  if (found === undefined) throw new Error(`esbuild has made nothing of ${source}`)
  return found
}

function write(out: string, { path, content }: { path: string; content: Buffer }): BuiltFile {
  const target = join(out, path)
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, content)
  // The page is changed when it is served: the daemon compresses that itself.
  const isCompressed = extname(path) !== '.html'
  if (isCompressed) {
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length }
    writeFileSync(`${target}.br`, brotliCompressSync(content, { params }))
    writeFileSync(`${target}.gz`, gzipSync(content, { level: 9 }))
  }
  return {
    path,
    type: types[extname(path)] ?? 'application/octet-stream',
    hash: createHash('sha256').update(content).digest('base64url').slice(0, 16),
    encodings: isCompressed ? ['br', 'gz'] : [],
  }
}

if (import.meta.main) await buildUi(process.argv[2] ?? 'dist/ui')
