/**
 * Runs the script that `build.ts` makes of what every start loads, and keeps V8's code of all that ran for the next start.
 * Node's compile cache holds what V8 compiled before anything ran, which is not half of what a start needs.
 */
import { readFileSync, rename, renameSync, writeFile, writeFileSync } from 'node:fs'
import module from 'node:module'
import { basename, join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { Script } from 'node:vm'

/** The parts of the script by name; each runs when it is first asked for. */
type Parts = Readonly<Record<string, () => object>>
type Surroundings = [require: NodeJS.Require, here: string, bring: (path: string) => Promise<unknown>]

/** The name of the script, which tells its content. */
declare const SCRIPT: string

const path = join(import.meta.dirname, SCRIPT)
const command = commandOf(process.argv.slice(2))
const folder = module.getCompileCacheDir()
const kept = folder && join(folder, `${basename(SCRIPT, '.cjs')}-${command}`)
const cachedData = kept && read(kept)
const script = new Script(readFileSync(path, 'latin1'), { filename: path, ...(cachedData && { cachedData }) })
const run = script.runInThisContext() as (...surroundings: Surroundings) => Parts
const parts = run(module.createRequire(import.meta.url), import.meta.url, (other) => import(other))

if (kept && (!cachedData || script.cachedDataRejected === true)) {
  setTimeout(keepAside, 3000, kept).unref()
  // Others are done before that; a daemon that is has not come far.
  if (command !== 'serve') process.once('exit', (code) => code < 2 && keep(kept))
}

export function part(name: string): object {
  return parts[name]!()
}

/** Whose code is kept together: what one command runs is not what another does. */
function commandOf(args: readonly string[]): string {
  if (args.includes('--help') || args.includes('-h')) return 'help'
  const [first = ''] = args
  return /^[a-z]+$/.test(first) ? first : 'serve'
}

/** V8 runs whatever code it is given, and a bit that fell over on the disk would end every start: it is kept twice. */
function read(file: string): Buffer | undefined {
  try {
    const twice = readFileSync(file)
    const [one, other] = [twice.subarray(0, twice.length / 2), twice.subarray(twice.length / 2)]
    return one.equals(other) ? one : undefined
  } catch {
    return undefined // The first start of this version.
  }
}

/** A daemon goes on meanwhile; where nothing can be written, the next start compiles again. */
function keepAside(file: string): void {
  const written = beside(file)
  writeFile(written, codeTwice(), { flush: true }, (error) => error ?? rename(written, file, () => {}))
}

function keep(file: string): void {
  try {
    writeFileSync(beside(file), codeTwice(), { flush: true })
    renameSync(beside(file), file)
  } catch {
    // As above.
  }
}

function beside(file: string): string {
  return `${file}.${process.pid}`
}

function codeTwice(): Buffer {
  // Code made under other flags is refused, and the daemon sets this one while it runs (flow/young.ts).
  setFlagsFromString('--semi-space-growth-factor=2')
  const code = script.createCachedData()
  return Buffer.concat([code, code])
}
