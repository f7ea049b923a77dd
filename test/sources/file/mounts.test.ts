import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { mountPointsIn } from '../../../src/sources/file/mounts.ts'

const script = join(import.meta.dirname, 'mounted.ts')

describe('a file that is a mount by itself', () => {
  it('is told, since its updates never come', { skip: withoutMounts() }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'roster-'))
    try {
      const place = join(folder, 'with space')
      mkdirSync(place)
      writeFileSync(join(folder, 'elsewhere.yaml'), 'servers: {mounted: {command: x}}\n')
      writeFileSync(join(place, 'sub.yaml'), '')
      writeFileSync(join(place, 'beside.yaml'), 'servers: {beside: {command: x}}\n')
      const command = `mount --bind '${folder}/elsewhere.yaml' '${place}/sub.yaml' && exec "$0" "$@"`
      const notes = JSON.parse(inNamespace(command, [process.execPath, script, place])) as string[]

      const told = `${place}/sub.yaml is mounted by itself (a subPath?) and may never change: mount its directory instead`
      assert.ok(notes.length > 1)
      assert.deepEqual([...new Set(notes)], [told])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('is found in what the system says of its mounts', () => {
    const lines = [
      String.raw`63 43 254:0 /tmp/one /etc/mcp/a\040b.yaml rw,relatime - ext4 /dev/vda rw`,
      '64 43 0:5 / /dev rw,nosuid master:2 - devtmpfs udev rw',
      'garbled',
      '',
    ]
    assert.deepEqual([...mountPointsIn(lines.join('\n'))], ['/etc/mcp/a b.yaml', '/dev'])
  })
})

/** Runs a command where it may mount what it likes, and nobody else sees it. */
function inNamespace(command: string, args: readonly string[] = []): string {
  return execFileSync('unshare', ['--user', '--map-root-user', '--mount', 'sh', '-c', command, ...args], {
    encoding: 'utf8',
    timeout: 20_000,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

function withoutMounts(): string | false {
  try {
    inNamespace('mount --bind /tmp /mnt')
    return false
  } catch {
    return 'needs Linux user namespaces (unshare)'
  }
}
