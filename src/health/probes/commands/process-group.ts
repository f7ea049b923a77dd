import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

/** Processes of one group, and their resident memory in bytes; shared pages count for each of them. */
export type GroupUsage = { readonly processes: number; readonly bytes: number }

const run = promisify(execFile)
const pageBytes = 4096

/** Ends every process of a group; without an effect where none is left. On Windows, which has no groups, the process and its descendants. */
export function signalGroup(leader: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (process.platform === 'win32') {
    if (signal === 'SIGKILL') execFile('taskkill', ['/pid', String(leader), '/T', '/F'], () => undefined)
    return
  }
  try {
    process.kill(-leader, signal)
  } catch {
    // No process of the group is left.
  }
}

/** Measures a group: from `/proc` on Linux, by `ps` on other systems with groups. Undefined where it cannot be measured. */
export async function groupUsage(leader: number): Promise<GroupUsage | undefined> {
  if (process.platform === 'win32') return undefined
  const members = process.platform === 'linux' ? await membersByProc(leader) : await membersByPs(leader)
  return { processes: members.length, bytes: members.reduce((sum, bytes) => sum + bytes, 0) }
}

/** The resident bytes of each member. */
async function membersByProc(leader: number): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const members = await Promise.all(
    pids.map(async (pid) => {
      // A process may end meanwhile.
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
      // The name of the program stands in parentheses, and may contain some itself.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      const [state, , group] = fields
      // A zombie has ended; it is there until its parent has noticed.
      return Number(group) === leader && state !== 'Z' ? [Number(fields[21]) * pageBytes] : []
    }),
  )
  return members.flat()
}

async function membersByPs(leader: number): Promise<readonly number[]> {
  const { stdout } = await run('ps', ['-A', '-o', 'pgid=,rss='], { maxBuffer: 16 * 1024 * 1024 })
  return stdout.split('\n').flatMap((line) => {
    const [group, kilobytes] = line.trim().split(/\s+/).map(Number)
    return group === leader && kilobytes !== undefined ? [kilobytes * 1024] : []
  })
}
