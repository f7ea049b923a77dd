import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import type { Environment } from '../environment/variable-lookup.ts'

/** What the defaults depend on: container, cluster, and the folders of the user. */
export type Platform = {
  readonly container: boolean
  readonly cluster: boolean
  readonly home: string
  readonly cwd: string
  readonly stateDirectory: string
  /** Default paths of server files; need not exist. */
  readonly filePaths: readonly string[]
}

export function detectPlatform(env: Environment): Platform {
  const home = env['HOME'] || homeDirectory()
  return {
    cluster: Boolean(env['KUBERNETES_SERVICE_HOST']),
    container: isContainer(env),
    home,
    cwd: process.cwd(),
    // systemd sets a list of directories; the first is the state directory.
    stateDirectory:
      env['STATE_DIRECTORY']?.split(':')[0] ||
      path.join(baseDirectory(env['XDG_STATE_HOME'], home, '.local', 'state'), 'mcp-roster'),
    filePaths: ['/etc/mcp', path.join(baseDirectory(env['XDG_CONFIG_HOME'], home, '.config'), 'mcp')],
  }
}

/** An XDG base directory. The specification says to ignore a relative one. */
function baseDirectory(value: string | undefined, ...defaultPath: readonly string[]): string {
  return value && path.isAbsolute(value) ? value : path.join(...defaultPath)
}

function homeDirectory(): string {
  try {
    return homedir()
  } catch {
    return '/' // The user has no entry in passwd, as in many containers.
  }
}

function isContainer(env: Environment): boolean {
  if (env['container'] || existsSync('/.dockerenv') || existsSync('/run/.containerenv')) return true
  try {
    return /docker|kubepods|containerd|libpod|crio/.test(readFileSync('/proc/1/cgroup', 'utf8'))
  } catch {
    return false // Without /proc the system is not Linux.
  }
}
