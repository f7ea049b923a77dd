import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import type { Environment } from './document.ts'

/** What the surroundings say when nobody says anything. */
export type Place = {
  readonly container: boolean
  readonly cluster: boolean
  readonly home: string
  readonly cwd: string
  readonly stateDirectory: string
}

/** Looks around: in a container, in a cluster, whose home. */
export function detectPlace(env: Environment): Place {
  const home = env['HOME'] || homeOf()
  const state = env['XDG_STATE_HOME']
  return {
    cluster: Boolean(env['KUBERNETES_SERVICE_HOST']),
    container: isContainer(env),
    home,
    cwd: process.cwd(),
    // systemd gives a list of directories; the first is ours.
    stateDirectory:
      env['STATE_DIRECTORY']?.split(':')[0] ||
      path.join(state && path.isAbsolute(state) ? state : path.join(home, '.local', 'state'), 'mcp-roster'),
  }
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
