/**
 * Runs the script that `build.ts` makes of the chunks every start loads, and caches the V8 code of all functions that ran.
 * The compile cache of Node stores only code compiled before anything ran, less than half of what a start needs.
 */
import { readFileSync, rename, renameSync, writeFile, writeFileSync } from 'node:fs'
import module from 'node:module'
import { basename, join } from 'node:path'
import { Script } from 'node:vm'

/** The chunks in the script by path; each runs when it is first called. */
type Parts = Readonly<Record<string, () => object>>
type Globals = [require: NodeJS.Require, moduleUrl: string, importChunk: (path: string) => Promise<unknown>]

/** File name of the script, which contains the hash of its content. */
declare const SCRIPT: string

const path = join(import.meta.dirname, SCRIPT)
const command = commandOf(process.argv.slice(2))
const folder = module.getCompileCacheDir()
const cacheFile = folder && join(folder, `${basename(SCRIPT, '.cjs')}-${command}`)
const cachedData = cacheFile && readCache(cacheFile)
const script = new Script(readFileSync(path, 'latin1'), { filename: path, ...(cachedData && { cachedData }) })
const run = script.runInThisContext() as (...globals: Globals) => Parts
const parts = run(module.createRequire(import.meta.url), import.meta.url, (chunk) => import(chunk))

if (cacheFile && (!cachedData || script.cachedDataRejected === true)) {
  setTimeout(writeCache, 3000, cacheFile).unref()
  // Other commands end earlier; a daemon that ends earlier has run too little code.
  if (command !== 'serve') process.once('exit', (code) => code < 2 && writeCacheSync(cacheFile))
}

export function part(name: string): object {
  return parts[name]!()
}

/** The cache has one file for each command, since the commands run different code. */
function commandOf(args: readonly string[]): string {
  if (args.includes('--help') || args.includes('-h')) return 'help'
  const [first = ''] = args
  return /^[a-z]+$/.test(first) ? first : 'serve'
}

/** V8 does not verify cached code, and one flipped bit would break every start: the file has the code twice. */
function readCache(file: string): Buffer | undefined {
  try {
    const content = readFileSync(file)
    const [first, second] = [content.subarray(0, content.length / 2), content.subarray(content.length / 2)]
    return first.equals(second) ? first : undefined
  } catch {
    return undefined // The first start of this version.
  }
}

/** Writes in the background. Where nothing can be written, the next start compiles again. */
function writeCache(file: string): void {
  const temporary = temporaryFile(file)
  writeFile(temporary, compiledCodeTwice(), { flush: true }, (error) => error ?? rename(temporary, file, () => {}))
}

function writeCacheSync(file: string): void {
  try {
    writeFileSync(temporaryFile(file), compiledCodeTwice(), { flush: true })
    renameSync(temporaryFile(file), file)
  } catch {
    // As in `writeCache`.
  }
}

function temporaryFile(file: string): string {
  return `${file}.${process.pid}`
}

function compiledCodeTwice(): Buffer {
  const code = script.createCachedData()
  return Buffer.concat([code, code])
}
