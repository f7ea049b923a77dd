import { existsSync } from 'node:fs'

/**
 * The URL of a file outside the modules of the bundle: the source of a thread, or data. `source` is its path in the
 * repository, relative to the module at `from`; `built` is its name in the bundle, beside the chunks.
 */
export function bundledFile(source: string, { from, built }: { from: string; built: string }): URL {
  if (from.endsWith('.ts')) return new URL(source, from)
  const beside = new URL(`./${built}`, from)
  return existsSync(beside) ? beside : new URL(`./chunks/${built}`, from)
}
