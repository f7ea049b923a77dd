import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { ListenError } from '../../src/api/http/listening/server.ts'
import { CertificateError } from '../../src/api/http/listening/tls.ts'
import { banner } from '../../src/cli/banner.ts'
import type { StartDaemon } from '../../src/cli/command.ts'
import { portOwner } from '../../src/cli/port-owner.ts'
import { StoreUnavailable } from '../../src/stores/store.ts'
import { until } from '../e2e/daemon-process.ts'
import { running } from './command-runner.ts'

const quiet = { MCP_ROSTER_LOG_LEVEL: 'silent', HOME: '/home/ann' }

/** A daemon that records its calls. */
function noting() {
  const events: string[] = []
  const started = Promise.withResolvers<Parameters<StartDaemon>[0]>()
  const startDaemon: StartDaemon = (start) => {
    events.push('started')
    started.resolve(start)
    return Promise.resolve({
      url: 'http://localhost:8000',
      address: 'localhost:8000',
      reload: async () => {
        events.push('reloaded')
        await start.reload()
      },
      ready: () => Promise.resolve(),
      sources: () => [],
      [Symbol.asyncDispose]: () => {
        events.push('stopped')
        return Promise.resolve()
      },
    })
  }
  return { events, startDaemon, started: started.promise }
}

describe('mcp-roster serve', () => {
  for (const argv of [[], ['serve'], ['./servers'], ['--port', '7000']]) {
    it(`starts the daemon on "${['mcp-roster', ...argv].join(' ')}", and stops it on a signal`, async () => {
      const ending = new AbortController()
      const { events, startDaemon, started } = noting()
      const ended = running(argv, { startDaemon, signal: ending.signal, env: quiet })

      const { loaded } = await started
      ending.abort()

      assert.equal((await ended).code, 0)
      assert.deepEqual(events, ['started', 'stopped'])
      assert.equal(loaded.config.listen.port, argv[0] === '--port' ? 7000 : 8000)
      const watched = loaded.config.sources.find(({ type }) => type === 'file')
      const paths = watched && 'paths' in watched ? watched.paths : undefined
      const usual = ['/etc/mcp', '/home/ann/.config/mcp']
      assert.deepEqual(paths, argv[0] === './servers' ? [`${process.cwd()}/servers`] : usual)
    })
  }

  it('reloads its config after the start when SIGHUP arrives during it', async () => {
    const ending = new AbortController()
    const hangup = Promise.withResolvers<() => void>()
    const mayStart = Promise.withResolvers<void>()
    const { events, startDaemon } = noting()
    const starting: StartDaemon = async (start) => (await mayStart.promise, startDaemon(start))
    const { signal } = ending
    const ended = running(['serve'], { startDaemon: starting, signal, env: quiet, onHangup: hangup.resolve })

    const reload = await hangup.promise
    reload()
    mayStart.resolve()
    await until(() => events.includes('reloaded'))
    ending.abort()

    assert.equal((await ended).code, 0)
    assert.deepEqual(events, ['started', 'reloaded', 'stopped'])
  })

  it('reloads its config on SIGHUP and keeps running when that fails', async () => {
    const ending = new AbortController()
    const hangup = Promise.withResolvers<() => void>()
    const { events, startDaemon } = noting()
    const env: Record<string, string> = { ...quiet }
    const ended = running(['serve'], { startDaemon, signal: ending.signal, env, onHangup: hangup.resolve })

    const reload = await hangup.promise
    env['MCP_ROSTER_LISTEN_PORT'] = 'nonsense'
    reload()
    reload()
    ending.abort()

    assert.equal((await ended).code, 0)
    assert.deepEqual(events, ['started', 'reloaded', 'reloaded', 'stopped'])
  })

  it('exits with 1 and one line for an invalid config at start', async () => {
    const { events, startDaemon } = noting()

    const { code, err } = await running(['serve'], { startDaemon, env: { PORT: 'eighty' } })

    assert.deepEqual([code, events], [1, []])
    assert.equal(err, 'environment variable PORT: listen.port: must be a number\n')
  })

  it('names the process that holds the port', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const cause = Object.assign(new Error('listen'), { code: 'EADDRINUSE' })
    const startDaemon = () => Promise.reject(new ListenError({ host: '127.0.0.1', port }, cause))

    const { code, err } = await running(['serve'], { startDaemon, env: quiet })
    server.close()

    assert.equal(code, 1)
    assert.match(err, new RegExp(`^cannot listen on 127\\.0\\.0\\.1:${port}: the port is in use`))
    if (process.platform === 'linux') assert.ok(err.includes(`by node (pid ${process.pid})`), err)
    assert.equal(err.split('\n').length, 2)
    assert.equal(portOwner(port === 1 ? 2 : 1), undefined)
  })

  it('names the setting of the port in use', async () => {
    const cause = Object.assign(new Error('listen'), { code: 'EACCES' })
    const startDaemon = () => Promise.reject(new ListenError({ host: '127.0.0.1', port: 90 }, cause))

    const { code, err } = await running(['serve'], { startDaemon, env: { ...quiet, METRICS_PORT: '90' } })

    assert.equal(code, 1)
    assert.match(err, /set another port with METRICS_PORT \(metrics\.port\)\.\n$/)
  })

  it('reports an unusable certificate in one line', async () => {
    const startDaemon = () => Promise.reject(new CertificateError('/run/tls.crt is not there'))

    const { code, err } = await running(['serve'], { startDaemon, env: quiet })

    assert.deepEqual([code, err], [1, 'listen.tls: /run/tls.crt is not there\n'])
  })

  it('reports an unavailable store and the remedy in one line', async () => {
    const startDaemon = () => Promise.reject(new StoreUnavailable('postgres at db/roster cannot be reached'))

    const { code, err } = await running(['serve'], { startDaemon, env: quiet })

    assert.equal(code, 1)
    assert.match(
      err,
      /^postgres at db\/roster cannot be reached\. Start the database or correct its address .*DATABASE_URL.*\.\n$/,
    )
  })
})

describe('the banner', () => {
  const source = { name: 'file', type: 'file', servers: 0, rejected: 0, state: 'synced' as const }
  const shownWith = (more: Partial<Parameters<typeof banner>[0]>) =>
    banner({
      version: '1.2.3',
      url: 'http://localhost:8000',
      address: 'localhost:8000',
      hasDashboard: true,
      sources: [source],
      paths: new Map([['file', '/etc/mcp, /home/ann/.config/mcp']]),
      config: undefined,
      colour: false,
      ...more,
    })

  it('shows the address, the watched places and how to add a server', () => {
    const text = shownWith({})

    assert.match(text, /mcp-roster 1\.2\.3/)
    assert.match(text, /http:\/\/localhost:8000\/servers/)
    assert.match(text, /http:\/\/localhost:8000\/ui +the dashboard/)
    assert.doesNotMatch(shownWith({ hasDashboard: false }), /dashboard/)
    assert.match(text, /file {2}0 servers {2}\/etc\/mcp, \/home\/ann\/\.config\/mcp/)
    assert.match(
      text,
      /Nothing found yet\. Add one: put a \.yaml or \.json file into \/etc\/mcp or \/home\/ann\/.config\/mcp\n/,
    )
  })

  it('shows the servers found and the entries rejected', () => {
    const text = shownWith({
      sources: [{ ...source, servers: 1, rejected: 2, state: 'degraded', note: 'polling\u001B[2J' }],
    })

    assert.match(text, /file {2}1 server, 2 rejected \(degraded\) \(polling\\u001b\[2J\)/)
    assert.match(text, /^ {2}1 server\. /m)
  })
})
