import assert from 'node:assert/strict'
import { mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileError, fileStateOf, readContents } from '../../../src/sources/file/contents.ts'

describe('the contents of a file', () => {
  let folder = ''
  const at = (name: string) => join(folder, name)
  before(async () => void (folder = await mkdtemp(join(tmpdir(), 'roster-'))))
  after(() => rm(folder, { recursive: true }))

  it('are read whole, beyond the stated size too', async () => {
    await writeFile(at('a.yaml'), 'x'.repeat(100))
    const contents = await readContents(at('a.yaml'), { size: 3, signature: 'old', maxBytes: 1000 })
    assert.ok(contents.type === 'bytes')
    assert.equal(contents.bytes.length, 100)
    assert.equal(contents.isChanging, true)
  })

  it('are rejected beyond maxBytes', async () => {
    await writeFile(at('a.yaml'), 'x'.repeat(100))
    const contents = await readContents(at('a.yaml'), { size: 3, signature: '', maxBytes: 50 })
    assert.ok(contents.type === 'error')
    assert.match(contents.error.message, /too large/)
  })

  it('keep their signature until the file is written', async () => {
    await writeFile(at('b.yaml'), 'one')
    const first = await fileStateOf(at('b.yaml'))
    assert.deepEqual(await fileStateOf(at('b.yaml')).then(({ type }) => type), 'file')
    await writeFile(at('b.yaml'), 'two')
    await utimes(at('b.yaml'), new Date(2026, 0), new Date(2026, 0))
    const second = await fileStateOf(at('b.yaml'))
    assert.ok(first.type === 'file' && second.type === 'file')
    assert.notEqual(first.signature, second.signature)
  })

  it('are gone for a missing path or a directory, and an error for a dangling link', async () => {
    await symlink(at('nowhere'), at('dangling'))
    assert.equal((await fileStateOf(at('missing'))).type, 'gone')
    assert.equal((await fileStateOf(folder)).type, 'gone')
    assert.equal((await fileStateOf(at('dangling'))).type, 'error')
    assert.equal((await readContents(at('missing'), { size: 0, signature: '', maxBytes: 1 })).type, 'gone')
  })

  const errors: [code: string, message: RegExp, errorClass: string][] = [
    ['EACCES', /permission denied \(EACCES\)/, 'auth'],
    ['EPERM', /permission denied \(EPERM\)/, 'auth'],
    ['ELOOP', /leads back to itself/, 'config'],
    ['EIO', /read failed \(EIO\)/, 'transient'],
  ]
  for (const [code, message, errorClass] of errors)
    it(`have an error of class ${errorClass} for ${code}`, () => {
      const error = fileError(Object.assign(new Error(`${code}: /secret/path`), { code }))
      assert.match(error.message, message)
      assert.doesNotMatch(error.message, /secret/)
      assert.equal(error.class, errorClass)
    })
})
