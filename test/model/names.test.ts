import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Namespace, ServerName } from '../../src/model/names.ts'

describe('a server name', () => {
  for (const [name, isValid] of [
    ['weather', true],
    ['io.github.example/weather', true],
    ['My Weather Server', true],
    ['größe', true],
    ['...', true],
    ['x'.repeat(253), true],
    ['x'.repeat(254), false],
    ['', false],
    [' ', false],
    ['\u200b', false],
    ['.', false],
    ['..', false],
    ['a\nb', false],
    ['a\u202eb', false],
    ['a\ud800', false],
  ] as const) {
    it(`is ${isValid ? 'valid' : 'invalid'}: ${JSON.stringify(name.slice(0, 30))}`, () => {
      assert.equal(ServerName.safeParse(name).success, isValid)
    })
  }
})

describe('a namespace', () => {
  for (const [namespace, isValid] of [
    ['default', true],
    ['team-1', true],
    ['0', true],
    ['a'.repeat(63), true],
    ['a'.repeat(64), false],
    ['Team', false],
    ['-team', false],
    ['team-', false],
    ['a.b', false],
    ['', false],
  ] as const) {
    it(`is ${isValid ? 'valid' : 'invalid'}: ${JSON.stringify(namespace.slice(0, 30))}`, () => {
      assert.equal(Namespace.safeParse(namespace).success, isValid)
    })
  }
})
