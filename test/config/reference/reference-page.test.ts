import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { configSchema } from '../../../src/config/reference/json-schema.ts'
import { problemReference } from '../../../src/config/reference/reference-page.ts'
import { referencePage } from '../../../src/config/reference/reference-page.ts'
import { renamedKeys } from '../../../src/config/renamed-keys.ts'
import { leavesOf } from '../../../src/config/schema-paths.ts'
import { Config } from '../../../src/config/schema.ts'

const committed = (name: string) => readFile(new URL(`../../../config/${name}`, import.meta.url), 'utf8')

describe('the committed reference', () => {
  it('is what npm run generate writes', async () => {
    assert.equal(await committed('reference.md'), referencePage())
    assert.equal(await committed('problems.md'), problemReference())
    assert.equal(await committed('schema.json'), `${JSON.stringify(configSchema(), null, 2)}\n`)
  })

  it('comes with an example config that is valid', async () => {
    const example = await committed('examples/config.yaml')

    assert.ok(Config.safeParse(parse(example)).success)
  })
})

describe('the reference page', () => {
  it('describes every setting with its default', () => {
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

  it('describes every variant of a section, even one without settings', () => {
    const page = referencePage()

    assert.match(page, /### `type: memory`\n\nNothing survives a restart\.\n\n### `type: sqlite`/)
    assert.match(page, /### `type: mysql`\n\nMySQL or MariaDB\.\n\n\| setting/)
    assert.match(page, /`mysql:\/\/user:password@host:3306\/name/)
  })

  it('has a description for every setting', () => {
    const undescribed = referencePage()
      .split('\n')
      .filter((line) => /^\| `[^`]+` \|.*\|  \|$/.test(line))

    assert.deepEqual(undescribed, [])
  })

  it('lists every renamed setting', () => {
    const page = referencePage()

    for (const [former, current] of Object.entries(renamedKeys))
      assert.ok(page.includes(`| \`${former}\` | \`${current}\` |`), former)
  })
})
