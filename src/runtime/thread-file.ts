import { existsSync } from 'node:fs'

/**
 * The file a thread is started from: `source`, a path from the module whose URL is `from`, or what the build made of it,
 * `built`, which lies beside the chunks.
 */
export function threadFile(source: string, { from, built }: { from: string; built: string }): URL {
  if (from.endsWith('.ts')) return new URL(source, from)
  const beside = new URL(`./${built}`, from)
  return existsSync(beside) ? beside : new URL(`./chunks/${built}`, from)
}
