import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'

const script = join(import.meta.dirname, 'exhausted-watches.ts')
const limits: Record<string, string> = {
  ENOSPC: '/proc/sys/user/max_inotify_watches',
  EMFILE: '/proc/sys/user/max_inotify_instances',
}

describe('the file watcher on a system without file watches left', () => {
  for (const [code, limit] of Object.entries(limits)) {
    it(
      `makes the source poll, with a note (${code}), until watches are free again`,
      { skip: missing(limit) },
      async () => {
        const folder = await mkdtemp(join(tmpdir(), 'roster-'))
        try {
          const output = inNamespace(`echo 0 > ${limit} && exec "$0" "$@"`, [process.execPath, script, folder, limit])
          assert.deepEqual(JSON.parse(output), {
            note: `polling: the system has no file watch left (${code})`,
            names: ['before', 'meanwhile'],
            state: 'ended',
          })
        } finally {
          await rm(folder, { recursive: true })
        }
      },
    )
  }
})

/** Runs a command in a user namespace with limits of its own, so that other processes keep their watches. */
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
