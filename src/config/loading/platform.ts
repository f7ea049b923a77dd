import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import type { Environment } from './document.ts'

/** What the surroundings say when nobody says anything. */
export type Platform = {
  readonly container: boolean
  readonly cluster: boolean
  readonly home: string
  readonly cwd: string
  readonly stateDirectory: string
  /** Where files of servers are looked for; need not exist. */
  readonly filePaths: readonly string[]
}

/** Looks around: in a container, in a cluster, whose home. */
export function detectPlatform(env: Environment): Platform {
  const home = env['HOME'] || homeOf()
  return {
    cluster: Boolean(env['KUBERNETES_SERVICE_HOST']),
    container: isContainer(env),
    home,
    cwd: process.cwd(),
    // systemd gives a list of directories; the first is ours.
    stateDirectory:
      env['STATE_DIRECTORY']?.split(':')[0] ||
      path.join(baseOr(env['XDG_STATE_HOME'], home, '.local', 'state'), 'mcp-roster'),
    filePaths: ['/etc/mcp', path.join(baseOr(env['XDG_CONFIG_HOME'], home, '.config'), 'mcp')],
  }
}

/** A base directory as the XDG specification has it: a relative one is none. */
function baseOr(said: string | undefined, ...usual: readonly string[]): string {
  return said && path.isAbsolute(said) ? said : path.join(...usual)
}

function homeOf(): string {
  try {
    return homedir()
  } catch {
    return '/' // A user without an entry in passwd, as in many containers.
  }
}

function isContainer(env: Environment): boolean {
  if (env['container'] || existsSync('/.dockerenv') || existsSync('/run/.containerenv')) return true
  try {
    return /docker|kubepods|containerd|libpod|crio/.test(readFileSync('/proc/1/cgroup', 'utf8'))
  } catch {
    return false // No /proc: not Linux, or nothing to be known.
  }
}
