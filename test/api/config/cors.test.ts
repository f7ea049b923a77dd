import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Cors } from '../../../src/api/config/cors.ts'

describe('an origin of the CORS config', () => {
  for (const [text, origin] of [
    ['https://portal.example', 'https://portal.example'],
    ['https://Portal.example:443/', 'https://portal.example'],
    ['http://localhost:3000', 'http://localhost:3000'],
    ['VSCode-Webview://Abc/', 'vscode-webview://abc'],
    ['*', '*'],
    ['null', 'null'],
  ] as const)
    it(`"${text}" becomes "${origin}"`, () => {
      assert.deepEqual(Cors.parse({ origins: [text] }).origins, [origin])
    })

  for (const text of ['portal.example', 'https://portal.example/path', 'https://*.example', 'https://u@portal.example'])
    it(`"${text}" is rejected`, () => {
      assert.equal(Cors.safeParse({ origins: [text] }).success, false)
    })
})
