import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'

const script = join(import.meta.dirname, 'no-watches.ts')
const limits: Record<string, string> = {
  ENOSPC: '/proc/sys/user/max_inotify_watches',
  EMFILE: '/proc/sys/user/max_inotify_instances',
}

describe('a system without a file watch left', () => {
  for (const [code, limit] of Object.entries(limits)) {
    it(`makes the source poll and say so (${code}), until there is one again`, { skip: missing(limit) }, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'roster-'))
      try {
        const said = inNamespace(`echo 0 > ${limit} && exec "$0" "$@"`, [process.execPath, script, folder, limit])
        assert.deepEqual(JSON.parse(said), {
          note: `polling, the system has no file watch left to give (${code})`,
          names: ['before', 'meanwhile'],
          state: 'ended',
        })
      } finally {
        await rm(folder, { recursive: true })
      }
    })
  }
})

/** Runs a command where limits are its own: nobody else on this machine must run out of watches. */
function inNamespace(command: string, args: readonly string[] = []): string {
  return execFileSync('unshare', ['--user', '--map-root-user', 'sh', '-c', command, ...args], {
    encoding: 'utf8',
    timeout: 20_000,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

function missing(limit: string): string | false {
  try {
    inNamespace(`echo 100 > ${limit}`)
    return false
  } catch {
    return 'needs Linux user namespaces (unshare)'
  }
}
