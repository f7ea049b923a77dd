import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { STATUS_CODES } from 'node:http'
import { describe, it } from 'node:test'
import { problemKinds } from '../../../src/api/http/problem-codes.ts'

const list = 'src/api/http/problem-codes.ts'
const source = globSync('src/api/**/*.ts')
  .filter((file) => file !== list)
  .map((file) => readFileSync(file, 'utf8'))
  .join('\n')

describe('the list of problem codes', () => {
  for (const [code, { status, title, remedy }] of Object.entries(problemKinds)) {
    it(`holds ${code}, which the API answers with an error status, a title and a remedy`, () => {
      assert.match(code, /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/)
      assert.match(source, new RegExp(`'${code}'`))
      assert.ok(status >= 400 && status in STATUS_CODES)
      assert.match(title, /^[A-Z].*[^.]$/)
      assert.match(remedy, /^[A-Z].*\.$/)
    })
  }

  it('gives no two codes one title', () => {
    const titles = Object.values(problemKinds).map(({ title }) => title)

    assert.equal(new Set(titles).size, titles.length)
  })
})
