import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { describe, it } from 'node:test'
import { banner } from '../../src/cli/banner.ts'
import { startHere } from '../in-process-daemon.ts'
import { start, temporary } from './daemon-process.ts'

const outside = Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ internal }) => !internal))

describe('a daemon in a container', () => {
  it(
    'logs an address at which other machines reach it, and where it listens',
    { skip: !outside && 'no network' },
    async () => {
      using folder = temporary()
      await using daemon = await start(['--host', '0.0.0.0', folder.at('mcp')], {
        home: folder.path,
        env: { container: 'podman' },
      })

      const { hostname, port } = new URL(daemon.url)
      assert.ok(isIP(hostname) > 0 && !hostname.startsWith('127.'), daemon.url)
      assert.equal((await daemon.get('/health')).status, 200)
      const listening = daemon.lines.find(({ msg }) => msg === 'listening')
      assert.equal(listening?.['address'], `0.0.0.0:${port}`)
    },
  )

  it('says in its banner that the port must be published', () => {
    const text = (container: boolean) =>
      banner({
        version: '1',
        url: 'http://172.17.0.2:8000',
        address: '0.0.0.0:8000',
        container,
        hasDashboard: true,
        sources: [],
        paths: new Map(),
        config: undefined,
        colour: false,
      })

    assert.match(text(true), /http:\/\/172\.17\.0\.2:8000\/servers/)
    assert.match(
      text(true),
      /listens on 0\.0\.0\.0:8000 of this container; reach it from outside by a published port \(-p 8000:8000\)/,
    )
    assert.doesNotMatch(text(false), /container/)
  })
})

describe('a write without the right', () => {
  it('is a 403 that names AUTH_TOKEN and auth.anonymous', async () => {
    await using daemon = await startHere(
      'store: { type: memory }\nsources: [{ type: agents }]\nauth: { anonymous: reader }\n',
    )
    const detailOf = async (method: string, path: string, body: object) => {
      const { status, body: problem } = await daemon.ask(method, path, body)
      assert.equal(status, 403)
      return String(problem['detail'] ?? problem['error'])
    }

    for (const [method, path, role] of [
      ['POST', '/agents', 'registrar'],
      ['POST', '/heartbeat', 'registrar'],
      ['PUT', '/servers/x', 'admin'],
      ['POST', '/-/reload', 'admin'],
    ] as const)
      assert.match(
        await detailOf(method, path, { id: 'a', agent_id: 'a' }),
        new RegExp(`"${role}".*AUTH_TOKEN.*auth\\.anonymous`),
        path,
      )
  })
})
