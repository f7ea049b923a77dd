import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLog } from '../src/log.ts'

const canary = 'c4nary-do-not-sing'

/** A log, and the lines that it wrote. */
function createTestLog(level: 'info' | 'debug' = 'info') {
  const lines: Record<string, unknown>[] = []
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) }
  return { log: createLog({ level, destination }), lines }
}

describe('the log', () => {
  it('writes events with their fields, level and time, as JSON', () => {
    const { log, lines } = createTestLog()

    log.child({ source: 'file' }).warn({ origin: '/etc/mcp/a.yaml' }, 'reading failed')

    const [line] = lines
    assert.match(String(line?.['time']), /^\d{4}-\d\d-\d\dT/)
    assert.deepEqual(
      { ...line, time: '' },
      { level: 'warn', time: '', source: 'file', origin: '/etc/mcp/a.yaml', msg: 'reading failed' },
    )
  })

  it('changes its level, and that of its children, at run time', () => {
    const { log, lines } = createTestLog()
    const child = log.child({ source: 'a' })

    child.debug('below the level')
    log.setLevel('debug')
    child.debug('at the level')
    log.setLevel('error')
    child.warn('below the level')

    assert.deepEqual(
      lines.map(({ msg }) => msg),
      ['at the level'],
    )
  })

  it('redacts secrets in messages, fields, errors and child fields', () => {
    const { log, lines } = createTestLog()
    const cause = Object.assign(new Error(`Authorization: Bearer ${canary}`), { token: canary })
    const url = `https://bob:${canary}@x.example/?api_key=${canary}`

    log.info({ url, headers: { 'X-Any': canary }, deep: { q: { token: canary } }, args: ['--token', canary] }, url)
    log.error({ err: new Error(`GET ${url} failed`, { cause }) }, 'failed')
    log.error({ cause }, 'failed')
    log.error(cause, `with ${url}`)
    log.error(cause)
    log.error({ err: cause })
    log.child({ url, password: canary }).info('child')

    assert.equal(lines.length, 7)
    assert.ok(!JSON.stringify(lines).includes(canary), JSON.stringify(lines, null, 1))
    assert.match(JSON.stringify(lines[1]), /GET https:\/\/bob:<redacted>@x\.example/)
  })
})
