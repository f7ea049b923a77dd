import { execFile } from 'node:child_process'
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'

/** A bug planted on purpose: what it breaks, and the tests that must fail. */
export type Mutant = {
  readonly name: string
  readonly why: string
  readonly tests: readonly string[]
  readonly patch: string
}

/** All mutants. Each patch file begins with the lines `Breaks:` and `Tests:`, followed by the diff. */
export function allMutants(): readonly Mutant[] {
  return globSync('test/mutants/*.patch').toSorted().map(mutantIn)
}

function mutantIn(path: string): Mutant {
  const text = readFileSync(path, 'utf8')
  const said = (word: string) => new RegExp(`^${word}: (.+)$`, 'm').exec(text)?.[1] ?? ''
  const tests = said('Tests').split(' ').filter(Boolean)
  return { name: basename(path, '.patch'), why: said('Breaks'), tests, patch: resolve(path) }
}

/** A temporary copy of the files that tests need, removed on disposal. */
export function copyOfRepository() {
  const folder = mkdtempSync(join(tmpdir(), 'roster-mutant-'))
  for (const part of ['src', 'test', 'config', 'package.json', 'tsconfig.json'])
    cpSync(part, join(folder, part), { recursive: true, filter: (path) => basename(path) !== 'node_modules' })
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}

/** Why a patch does not apply to `folder`; undefined where it does. With `apply`, applies it. */
export async function misfit({ patch }: Mutant, folder: string, { apply = false } = {}): Promise<string | undefined> {
  const { code, said } = await run('git', ['apply', ...(apply ? [] : ['--check']), patch], folder)
  return code === 0 ? undefined : said
}

export type Ran = { readonly code: number; readonly said: string }

/** Runs a program for at most `seconds`; a longer one is killed and counts as failed. */
export function run(program: string, args: readonly string[], cwd: string, seconds = 60): Promise<Ran> {
  // Git must not find a repository above the folder.
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: resolve(cwd, '..'), NODE_TEST_CONTEXT: undefined }
  return new Promise((done) => {
    const options = {
      cwd,
      env,
      timeout: Math.ceil(seconds * 1000),
      killSignal: 'SIGKILL',
      maxBuffer: 64 * 1024 * 1024,
    } as const
    execFile(program, args, options, (error, out, err) => done({ code: error ? 1 : 0, said: `${out}${err}` }))
  })
}
