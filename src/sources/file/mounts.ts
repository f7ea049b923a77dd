import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'

/**
 * Which of these files are mounts by themselves, as `subPath` makes them in Kubernetes, or `-v FILE:FILE` of a container.
 *
 * Such a mount holds on to the file it was made of: what is put in that file's place is never seen through it.
 */
export async function mountedAlone(paths: Iterable<string>): Promise<string[]> {
  // Where there is no such list, nothing can be said.
  const points = mountPointsIn(await readFile('/proc/self/mountinfo', 'utf8').catch(() => ''))
  return [...paths].filter((path) => points.has(resolve(path)))
}

/** The mount points in a `mountinfo` of Linux (proc_pid_mountinfo(5)), where blanks are written in octal. */
export function mountPointsIn(mountinfo: string): Set<string> {
  const points = mountinfo.split('\n').flatMap((line) => line.split(' ')[4] ?? [])
  return new Set(points.map((point) => point.replaceAll(/\\([0-7]{3})/g, (_, code: string) => byte(code))))
}

const byte = (octal: string) => String.fromCodePoint(Number.parseInt(octal, 8))
