import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parseMountPoints } from '../../../src/sources/file/source.ts'

const script = join(import.meta.dirname, 'single-file-mount.ts')

describe('a file that is a mount of its own', () => {
  it('is named in the note, since its updates never arrive', { skip: withoutMounts() }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'roster-'))
    try {
      const place = join(folder, 'with space')
      mkdirSync(place)
      writeFileSync(join(folder, 'elsewhere.yaml'), 'servers: {mounted: {command: x}}\n')
      writeFileSync(join(place, 'sub.yaml'), '')
      writeFileSync(join(place, 'beside.yaml'), 'servers: {beside: {command: x}}\n')
      const command = `mount --bind '${folder}/elsewhere.yaml' '${place}/sub.yaml' && exec "$0" "$@"`
      const notes = JSON.parse(inNamespace(command, [process.execPath, script, place])) as string[]

      const expected = `${place}/sub.yaml is a mount of its own (a subPath?) and may never change; mount its directory instead`
      assert.ok(notes.length > 1)
      assert.deepEqual([...new Set(notes)], [expected])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('is found in the mount table of Linux', () => {
    const lines = [
      String.raw`63 43 254:0 /tmp/one /etc/mcp/a\040b.yaml rw,relatime - ext4 /dev/vda rw`,
      '64 43 0:5 / /dev rw,nosuid master:2 - devtmpfs udev rw',
      'garbled',
      '',
    ]
    assert.deepEqual([...parseMountPoints(lines.join('\n'))], ['/etc/mcp/a b.yaml', '/dev'])
  })
})

/** Runs a command in a mount namespace of its own. */
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
