import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { configSchema, problemReference, referencePage } from '../../../src/config/reference/reference-page.ts'
import { leavesOf } from '../../../src/config/schema-paths.ts'
import { Config } from '../../../src/config/schema.ts'

const committed = (name: string) => readFile(new URL(`../../../config/${name}`, import.meta.url), 'utf8')

describe('config/', () => {
  it('holds the reference pages and the schema as they are now (npm run generate)', async () => {
    assert.equal(await committed('reference.md'), referencePage())
    assert.equal(await committed('problems.md'), problemReference())
    assert.equal(await committed('schema.json'), `${JSON.stringify(configSchema(), null, 2)}\n`)
  })

  it('holds an example that is a good config', async () => {
    const example = await committed('examples/config.yaml')

    assert.ok(Config.safeParse(parse(example)).success)
  })
})

describe('the reference page', () => {
  it('describes every setting, with the default it has', () => {
    const page = referencePage()

    for (const { path } of leavesOf(Config)) {
      const [section, ...rest] = path
      assert.ok(page.includes(`## \`${section}\``), section)
      if (rest.length > 0 && rest.join('.') !== 'type')
        assert.ok(page.includes(`| \`${rest.join('.')}\` |`), path.join('.'))
    }
    assert.match(page, /\| `interval` \| duration \| `30` \|/)
    assert.doesNotMatch(page, /undefined|\[object/)
  })

  it('says what each form is, also one without settings', () => {
    const page = referencePage()

    assert.match(page, /### `type: memory`\n\nNothing survives a restart\.\n\n### `type: sqlite`/)
    assert.match(page, /### `type: mysql`\n\nMySQL or MariaDB\.\n\n\| setting/)
    assert.match(page, /`mysql:\/\/user:password@host:3306\/name/)
  })

  it('says of every setting what it does', () => {
    const silent = referencePage()
      .split('\n')
      .filter((line) => /^\| `[^`]+` \|.*\|  \|$/.test(line))

    assert.deepEqual(silent, [])
  })
})
